/**
 * The contract suite that every guard passes: what `Guard` (guard.ts) promises, tried on a real store.
 * A guard's test calls `guardContract` with a fixture that opens its store.
 */
import { type Guard, MisuseError, type Sealed, StaleTokenError } from '@holdfast/fence';
import { seededRandom } from '@holdfast/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** One store with its guard: how the suite reads and writes a number in it. */
export interface GuardFixture<Write, Result> extends AsyncDisposable {
  /** A guard; the second one has its own connection to the same store. */
  readonly guards: readonly [Guard<Write, Result>, Guard<Write, Result>];
  /** The write that sets the number of `resource`. */
  set(resource: string, value: number): Write;
  /** Reads the number of `resource`, past the guard; 0 when there is none. */
  read(resource: string): Promise<number>;
  /** A token that the store can judge, `step` above another such token. */
  token(step: number): number;
}

export function guardContract<Write, Result>(
  name: string,
  open: () => Promise<GuardFixture<Write, Result>>,
): void {
  describe(`the guard contract, kept by ${name}`, () => {
    let fixture: GuardFixture<Write, Result>;
    let resources = 0;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(() => fixture[Symbol.asyncDispose]());
    const fresh = (): string => `resource-${++resources}`;
    const seal = (resource: string, step: number, guard = 0): Promise<Sealed<Write, Result>> =>
      (fixture.guards[guard] as Guard<Write, Result>).seal({ resource, token: fixture.token(step) });

    it('lets the holder write, again and again under one token', async () => {
      const resource = fresh();
      const sealed = await seal(resource, 1);
      expect(sealed).toMatchObject({ resource, token: fixture.token(1) });
      await sealed.write(fixture.set(resource, 5));
      await sealed.write(fixture.set(resource, 6));
      await (await seal(resource, 1, 1)).write(fixture.set(resource, 7));
      expect(await fixture.read(resource)).toBe(7);
    });

    it('refuses a lower token, and says which was offered and which was seen', async () => {
      const resource = fresh();
      await (await seal(resource, 2)).write(fixture.set(resource, 2));
      const error = await seal(resource, 1, 1).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StaleTokenError);
      expect(error).toMatchObject({
        code: 'HOLDFAST_STALE_TOKEN',
        resource,
        offered: fixture.token(1),
        seen: fixture.token(2),
      });
      expect(await fixture.read(resource)).toBe(2);
    });

    it('refuses the write of a holder that was overtaken after it had sealed', async () => {
      const resource = fresh();
      const old = await seal(resource, 1);
      await old.write(fixture.set(resource, 1));
      const next = await seal(resource, 2, 1); // seals before it reads, and has written nothing yet
      await expect(old.write(fixture.set(resource, 100))).rejects.toThrow(StaleTokenError);
      expect(await fixture.read(resource)).toBe(1);
      await next.write(fixture.set(resource, 2));
      await expect(old.write(fixture.set(resource, 100))).rejects.toThrow(StaleTokenError);
      expect(await fixture.read(resource)).toBe(2);
    });

    it('keeps one mark a resource', async () => {
      const [first, second] = [fresh(), fresh()];
      await seal(first, 5);
      await (await seal(second, 1)).write(fixture.set(second, 1));
      expect(await fixture.read(second)).toBe(1);
    });

    it('guards another resource than the holder names, if told so', async () => {
      const resource = fresh();
      const holder = { resource: 'task', token: fixture.token(3) };
      expect(await fixture.guards[0].seal(holder, resource)).toMatchObject({
        resource,
        token: fixture.token(3),
      });
      await expect(seal(resource, 2)).rejects.toThrow(StaleTokenError);
    });

    it.each([0, -1, 1.5, Number.NaN, 2 ** 53, '7', null])('refuses %j as a token', async (token) => {
      const holder = { resource: fresh(), token: token as number };
      await expect(fixture.guards[0].seal(holder)).rejects.toThrow(MisuseError);
    });

    it('refuses a resource without a name', async () => {
      await expect(seal('', 1)).rejects.toThrow(MisuseError);
    });

    it('never accepts a lower token after a higher, and loses no acknowledged update', async () => {
      const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 32);
      const random = seededRandom(seed);
      const repeat = `repeat with SEED=${seed} npm test -- ${name}`;
      const resource = fresh();
      const accepted: { token: number; value: number }[] = [];
      await Promise.all(
        Array.from({ length: 60 }, async () => {
          const step = 1 + Math.floor(random.unit() * 40);
          try {
            const sealed = await seal(resource, step, random.unit() < 0.5 ? 0 : 1);
            const value = (await fixture.read(resource)) + 1;
            await sealed.write(fixture.set(resource, value));
            accepted.push({ token: sealed.token, value });
          } catch (error) {
            expect(error, repeat).toBeInstanceOf(StaleTokenError);
          }
        }),
      );
      const highest = Math.max(...accepted.map(({ token }) => token));
      await expect(seal(resource, 0), repeat).rejects.toThrow(StaleTokenError);
      await (await fixture.guards[0].seal({ resource, token: highest })).write(fixture.set(resource, -1));
      // Between holders nothing is lost: the lowest value a token wrote is above the highest of every token before it.
      const byToken = [...accepted].sort((a, b) => a.token - b.token || a.value - b.value);
      for (const [index, write] of byToken.entries()) {
        const before = byToken.slice(0, index).filter(({ token }) => token < write.token);
        for (const earlier of before) expect(write.value, repeat).toBeGreaterThan(earlier.value);
      }
      expect(accepted.length, repeat).toBeGreaterThan(0);
    });
  });
}
