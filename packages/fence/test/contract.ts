/**
 * The contract suite that every guard passes: what `Guard` (guard.ts) promises, tried on a real store.
 * A guard's test calls `guardContract` with a fixture that opens its store.
 */
import {
  BusyError,
  type Guard,
  IssuerMismatchError,
  MisuseError,
  type Sealed,
  StaleTokenError,
} from '@holdfast/fence';
import { seededRandom, systemClock } from '@holdfast/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holder } from './holder.js';

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
  /** Makes a mark as it was before guards kept issuers. Not over HTTP, where the store's own suite does. */
  markWithoutIssuer?(resource: string, token: number): Promise<void>;
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
    const claim = (resource: string, step: number, issuer?: string) =>
      holder(resource, fixture.token(step), issuer);
    const seal = (resource: string, step: number, guard = 0): Promise<Sealed<Write, Result>> =>
      (fixture.guards[guard] as Guard<Write, Result>).seal(claim(resource, step));

    it('lets the holder write, again and again under one token', async () => {
      const resource = fresh();
      const sealed = await seal(resource, 1);
      expect(sealed).toMatchObject(claim(resource, 1));
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
        reason: 'lower',
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
      const sealed = await fixture.guards[0].seal(claim('task', 3), { resource });
      expect(sealed).toMatchObject(claim(resource, 3));
      await expect(seal(resource, 2)).rejects.toThrow(StaleTokenError);
    });

    it.each([0, -1, 1.5, Number.NaN, 2 ** 53, '7', null, undefined])(
      'refuses %j as a token',
      async (token) => {
        const sealing = fixture.guards[0].seal(holder(fresh(), token as number));
        await expect(sealing).rejects.toThrow(MisuseError);
      },
    );

    it('refuses what is no holder, and what is no option, with an error that says so', async () => {
      for (const nonsense of [undefined, null, 7, 'account:42', () => {}, [], {}, { token: 1 }]) {
        await expect(fixture.guards[0].seal(nonsense as never)).rejects.toThrow(MisuseError);
        await expect(fixture.guards[0].transfer('r', nonsense as never)).rejects.toThrow(MisuseError);
      }
      for (const name of ['', 7, null, undefined, 'a\nb', 'x'.repeat(513)]) {
        await expect(fixture.guards[0].seal({ ...holder('r', 1), issuer: name as never })).rejects.toThrow(
          MisuseError,
        );
        await expect(fixture.guards[0].seal(holder(name as never, 1))).rejects.toThrow(MisuseError);
        await expect(fixture.guards[0].transfer(name as never, holder('r', 1))).rejects.toThrow(MisuseError);
      }
      for (const options of [null, 'account:42', { resorce: 'r' }, { resource: '' }]) {
        await expect(fixture.guards[0].seal(claim('r', 1), options as never)).rejects.toThrow(MisuseError);
      }
    });

    it('refuses another issuer, whatever its numbers, until the resource is handed over', async () => {
      const resource = fresh();
      const [one, other] = fixture.guards;
      const old = await seal(resource, 5);
      await old.write(fixture.set(resource, 5));
      for (const step of [1, 5, 9]) {
        const error = await other.seal(claim(resource, step, 'queue:q')).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(IssuerMismatchError);
        expect(error).toBeInstanceOf(MisuseError);
        expect(error).toMatchObject({ resource, issuer: 'queue:q', expected: 'locks:test' });
      }
      const next = await other.transfer(resource, claim('task', 2, 'queue:q'));
      expect(next).toMatchObject(claim(resource, 2, 'queue:q'));
      await expect(old.write(fixture.set(resource, 100))).rejects.toThrow(IssuerMismatchError);
      await expect(seal(resource, 9)).rejects.toThrow(IssuerMismatchError);
      expect(await fixture.read(resource)).toBe(5);
      await next.write(fixture.set(resource, 6));
      await one.seal(claim(resource, 3, 'queue:q'));
      await expect(next.write(fixture.set(resource, 100))).rejects.toThrow(StaleTokenError);
      expect(await fixture.read(resource)).toBe(6);
    });

    it('hands over what has no mark, or is under the same issuer already, as it seals', async () => {
      const resource = fresh();
      await fixture.guards[0].transfer(resource, claim(resource, 3));
      await fixture.guards[1].transfer(resource, claim(resource, 3)); // as after an answer that was lost
      await expect(fixture.guards[0].transfer(resource, claim(resource, 2))).rejects.toThrow(StaleTokenError);
      await expect(seal(resource, 2)).rejects.toThrow(StaleTokenError);
      await seal(resource, 4);
    });

    it('hands over to one of several who ask at once, and shuts the others out', async () => {
      const resource = fresh();
      await seal(resource, 5);
      const issuers = Array.from({ length: 6 }, (_, index) => `queue:${index}`);
      const outcomes = await Promise.allSettled(
        issuers.map((issuer, index) =>
          (fixture.guards[index % 2] as Guard<Write, Result>).transfer(resource, claim(resource, 1, issuer)),
        ),
      );
      const accepted: string[] = [];
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') {
          // Over HTTP the mark is raised by a second call, and another may have been handed the resource before it.
          const isSecondCall = fixture.markWithoutIssuer === undefined;
          if (!(isSecondCall && outcome.reason instanceof IssuerMismatchError))
            expect(outcome.reason).toBeInstanceOf(BusyError);
          continue;
        }
        try {
          await outcome.value.write(fixture.set(resource, 1));
          accepted.push(outcome.value.issuer);
        } catch (error) {
          expect(error).toBeInstanceOf(IssuerMismatchError);
        }
      }
      expect(accepted.length).toBeLessThanOrEqual(1); // none where it has several guards, which disagree now
      await (await fixture.guards[0].transfer(resource, claim(resource, 1))).write(fixture.set(resource, 2));
    });

    it('takes a mark of before, which has no issuer, for that of any', async () => {
      const { markWithoutIssuer } = fixture;
      if (markWithoutIssuer === undefined) return;
      const resource = fresh();
      await markWithoutIssuer(resource, fixture.token(3));
      await expect(seal(resource, 2)).rejects.toThrow(StaleTokenError);
      await (await seal(resource, 3)).write(fixture.set(resource, 3));
      await expect(fixture.guards[1].seal(claim(resource, 9, 'queue:q'))).rejects.toThrow(
        IssuerMismatchError,
      );
    });

    it('refuses a token that nobody can have issued yet, so that it shuts nobody out', async () => {
      const resource = fresh();
      const minute = systemClock.wall() + 60_000_000;
      for (const token of [minute, Number.MAX_SAFE_INTEGER]) {
        const error = await fixture.guards[0]
          .seal(holder(resource, token))
          .catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(StaleTokenError);
        expect(error).toMatchObject({ resource, offered: token, reason: 'ahead' });
        const transfer = fixture.guards[0].transfer(resource, holder(resource, token, 'queue:q'));
        await expect(transfer).rejects.toMatchObject({ reason: 'ahead' });
      }
      await (await seal(resource, 1)).write(fixture.set(resource, 1));
      const later = fixture.guards[1].transfer(resource, holder(resource, minute, 'queue:q'));
      await expect(later).rejects.toMatchObject({ reason: 'ahead' });
      await (await seal(resource, 2)).write(fixture.set(resource, 2));
      expect(await fixture.read(resource)).toBe(2);
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
      await (await fixture.guards[0].seal(holder(resource, highest))).write(fixture.set(resource, -1));
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
