/** The contract of a store about schedules. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../src/store/store.js';
import type { MakeStore } from './contract.js';

export function schedulesContract(name: string, makeStore: MakeStore): void {
  describe(`${name}: schedules`, () => {
    let store: Store;

    beforeEach(() => {
      store = makeStore();
    });

    it('keeps schedules with their next ticks, which one caller sets', async () => {
      const { now, schedules, next } = await store.schedules('due');
      expect({ schedules, next }).toEqual({ schedules: [], next: undefined });
      await store.schedule({ name: 'one', kept: '{"input":1}', at: now - 5 });
      await store.schedule({ name: 'two', kept: '{"input":2}', at: now + 60_000 });
      await store.schedule({ name: 'one', kept: '{"input":1}', at: now + 5 });
      const due = await store.schedules('due');
      expect(due).toMatchObject({
        schedules: [{ name: 'one', kept: '{"input":1}', at: now - 5 }],
        next: now + 60_000,
      });
      expect((await store.schedules('all')).schedules.map((each) => each.name)).toEqual(['one', 'two']);
      const tick = { name: 'one', at: now - 5, next: now + 90_000 };
      expect(await store.tick(tick)).toBe(true);
      expect(await store.tick(tick)).toBe(false);
      expect(await store.schedules('due')).toMatchObject({ schedules: [], next: now + 60_000 });
      await store.schedule({ name: 'one', kept: '{"input":"other"}', at: now - 1 });
      expect((await store.schedules('due')).schedules).toEqual([
        { name: 'one', kept: '{"input":"other"}', at: now - 1 },
      ]);
      expect(await store.unschedule('one')).toBe(true);
      expect(await store.unschedule('one')).toBe(false);
    });

    it('tells since when there has been a worker at all times', async () => {
      const before = await store.schedules('due');
      await store.open('me.1', 60_000);
      const { since, now } = await store.schedules('due');
      expect(since).toBeGreaterThanOrEqual(before.now);
      expect(since).toBeLessThanOrEqual(now);
      await store.open('me.2', 60_000);
      expect(await store.schedules('due')).toMatchObject({ since });
    });
  });
}
