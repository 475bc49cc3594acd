/** The contract of a store's events, which that in Redis and that in memory keep. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { EventFollower } from '../src/store/event-store.js';
import type { Store } from '../src/store/store.js';
import type { MakeStore } from './contract.js';
import { ownedRun } from './stream-contract.js';

export function eventsContract(name: string, makeStore: MakeStore): void {
  describe(`the events of ${name}`, () => {
    let store: Store;
    const commit = { records: [], state: undefined };
    const read = async (follower: EventFollower, place: string): Promise<readonly (readonly string[])[]> =>
      (await follower.read(place, 100)).map(([, fields]) => fields);

    beforeEach(() => {
      store = makeStore();
    });

    it('tells what happens to a run, in the call that does it', async () => {
      const follower = store.followEvents();
      const mine = await ownedRun(store);
      expect(await read(follower, '0-0')).toEqual([['started', 'a/1']]);
      const { id } = await store.place('');
      const park = { word: 'park', known: 1, due: 1, waitsFor: [] } as const;
      await store.commit({ ...mine, ...commit, commits: 0, ending: { ...park, waitsFor: ['answer'] } });
      expect(await read(follower, id)).toEqual([['waiting', 'a/1', 'd', '["answer"]']]);
      await store.tell(mine, 'M 1\n{}');
      const asked = { session: 'me.1', lease: 60_000, want: 1, number: 2, highest: 0, workflows: ['a'] };
      const [again] = (await store.work(asked))?.claims ?? [];
      if (!again) throw new Error('nothing was claimed');
      await store.commit({ ...again, ...commit, commits: 0, ending: { word: 'stuck', reason: 'why' } });
      await store.retry('a/1');
      const [last] = (await store.work({ ...asked, number: 3 }))?.claims ?? [];
      if (!last) throw new Error('nothing was claimed');
      await store.commit({ ...last, ...commit, commits: 0, ending: { ...park, known: 2, waitsFor: [] } });
      const [owner] = (await store.work({ ...asked, number: 4 }))?.claims ?? [];
      if (!owner) throw new Error('nothing was claimed');
      const end = { word: 'end', retain: 600_000, status: 'failed' } as const;
      await store.commit({ ...owner, commits: 0, ending: end, records: ['Z -\n{}'], state: undefined });
      expect(await read(follower, id)).toEqual([
        ['waiting', 'a/1', 'd', '["answer"]'],
        ['stuck', 'a/1', 'd', 'why'],
        ['ended', 'a/1', 'd', 'failed'],
      ]);
      follower.close();
    });

    it('says how much there is to do', async () => {
      await ownedRun(store);
      for (const run of ['a/2', 'b/1'])
        await store.start({ run, generation: 'g', header: 'H -\n{}', mailbox: '' });
      expect(await store.demand(['a', 'b', 'c'])).toMatchObject([
        { waiting: 1, running: 1, stuck: 0 },
        { waiting: 1, running: 0, stuck: 0 },
        { waiting: 0, running: 0, stuck: 0, oldest: 0 },
      ]);
      // Another worker takes over from one that is gone.
      await store.open('it.1', 0);
      const asked = { session: 'it.1', lease: 1, want: 1, number: 1, highest: 0, workflows: ['b'] };
      await store.work(asked);
      const looked = async (): Promise<number | undefined> => {
        await store.work({ ...asked, session: 'me.1', lease: 60_000, want: 0, number: 9 });
        return (await store.demand(['b']))[0]?.takeovers;
      };
      await expect.poll(looked).toBe(1);
      expect(await store.demand(['a', 'b'])).toMatchObject([
        { waiting: 1, running: 1, takeovers: 0 },
        { waiting: 1, running: 0, takeovers: 1 },
      ]);
    });

    it('keeps the place of a reader under its token', async () => {
      expect(await store.place('')).toEqual({ id: '0-0', isKept: true });
      const one = await store.openReader('r', undefined);
      if (one.word !== 'reader') throw new Error(`got ${one.word}`);
      expect(one.place).toBe('0-0');
      expect(await store.moveReader({ name: 'r', token: one.token, place: '5-0' })).toBe(true);
      const other = await store.openReader('r', undefined);
      if (other.word !== 'reader') throw new Error(`got ${other.word}`);
      expect(other.place).toBe('5-0');
      expect(other.token).toBeGreaterThan(one.token);
      expect(await store.moveReader({ name: 'r', token: one.token, place: '6-0' })).toBe(false);
      expect(await store.moveReader({ name: 'r', token: other.token, place: '7-0' })).toBe(true);
      expect(await store.openReader('r', other.token - 1)).toEqual({ word: 'stale' });
      expect(await store.openReader('r', other.token + 5)).toMatchObject({
        token: other.token + 5,
        place: '7-0',
      });
      expect(await store.place('3-0')).toEqual({ id: '3-0', isKept: false });
    });
  });
}
