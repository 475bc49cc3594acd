/** The contract of a store about children: they begin, are adopted, and tell their ends, with commits of their parents. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Claim, RunRef } from '../src/store/claim.js';
import type { CommitRequest, Effect, Ending, Store } from '../src/store/store.js';

const LEASE = 60_000;
const END: Ending = { word: 'end', retain: 600_000, status: 'completed' };
const CHILD = 'c/p/~g.0';

export function childContract(name: string, makeStore: () => Store): void {
  describe(`children of ${name}`, () => {
    let store: Store;
    let calls = 0;
    const ref = (run: string, generation: string): RunRef => ({ run, generation });
    const claim = async (workflow: string): Promise<Claim> => {
      calls += 1;
      const request = { session: 'me.1', lease: LEASE, want: 1, number: calls, highest: 0 };
      const first = (await store.work({ ...request, workflows: [workflow] }))?.claims[0];
      if (!first) throw new Error('nothing was claimed');
      return first;
    };
    const commit = (of: Claim, commits: number, rest: Partial<CommitRequest> = {}) =>
      store.commit({ ...of, commits, ending: { word: 'go' }, records: [], state: undefined, ...rest });
    const child = (parent = 'p/p/p.g', place = '0'): Effect => {
      return {
        word: 'child',
        run: CHILD,
        generation: '0',
        header: 'H -\n{"input":"child"}',
        parent: `${parent} ${place}`,
      };
    };
    const parent = async (): Promise<Claim> => {
      await store.start({ ...ref('p/p/p', 'g'), header: 'H -\n{}', mailbox: '' });
      return claim('p');
    };

    beforeEach(async () => {
      store = makeStore();
      calls = 0;
      await store.open('me.1', LEASE);
    });

    it('begins a child with the commit of its parent, once, and tells the parent its end', async () => {
      const mine = await parent();
      const begun = await commit(mine, 0, { records: ['C 0\n{}'], effects: [child(), child()] });
      expect(begun).toEqual({ word: 'committed', length: 2 });
      const its = await claim('c');
      expect(its).toMatchObject({ run: CHILD, generation: '0' });
      expect(await store.page(its, 0)).toEqual([expect.stringMatching(/^H \d+\n\{"input":"child"\}$/)]);
      const park: Ending = { word: 'park', known: 2, due: 0, waitsFor: [] };
      expect(await commit(mine, 1, { ending: park })).toMatchObject({ word: 'committed' });
      await commit(its, 0, { records: ['Z -\n{"x":1}'], ending: END });
      expect(await store.page(ref('p/p/p', 'g'), 1)).toEqual(['C 0\n{}', 'D 0\n{"x":1}']);
      expect(await claim('p')).toMatchObject({ run: 'p/p/p' });
    });

    it('begins nothing for a parent that is not owned any more', async () => {
      const mine = await parent();
      expect(await commit({ ...mine, token: mine.token + 1 }, 0, { effects: [child()] })).toMatchObject({
        word: 'stale',
      });
      expect(await store.find(ref(CHILD, '0'), '')).toEqual({ word: 'unknown' });
    });

    it('tells the parent that asked last', async () => {
      const mine = await parent();
      await commit(mine, 0, { effects: [child()] });
      const its = await claim('c');
      await store.start({ ...ref('p/p/q', 'h'), header: 'H -\n{}', mailbox: '' });
      const other = await claim('p');
      await commit(other, 0, { effects: [child('p/p/q.h', '7')] });
      await commit(its, 0, { records: ['Z -\n{}'], ending: END });
      expect(await store.page(ref('p/p/p', 'g'), 0)).toEqual([expect.stringMatching(/^H \d+\n\{\}$/)]);
      expect(await store.page(ref('p/p/q', 'h'), 1)).toEqual(['D 7\n{}']);
    });

    it('tells the end of a child that is over in the commit that asks for it', async () => {
      const mine = await parent();
      await commit(mine, 0, { effects: [child('p/p/p.old')] });
      const its = await claim('c');
      await commit(its, 0, { records: ['Z -\n{}'], ending: END });
      expect(await store.page(mine, 0)).toEqual([expect.stringMatching(/^H \d+\n\{\}$/)]);
      const asked = await commit(mine, 1, {
        effects: [child()],
        ending: { word: 'park', known: 1, due: 0, waitsFor: [] },
      });
      expect(asked).toEqual({ word: 'again', length: 2 });
      expect(await store.page(mine, 1)).toEqual(['D 0\n{}']);
    });

    it('cancels the children of a run that is terminated, but for those that go on without it', async () => {
      const mine = await parent();
      const other: Effect = { ...child('p/p/p.g', '1'), run: 'c/p/~g.1' } as Effect;
      const record = (place: string, rest: object) =>
        `C ${place}\n${JSON.stringify({ id: place, name: 'c', run: `c/p/~g.${place}`, ...rest })}`;
      await commit(mine, 0, {
        records: [record('0', {}), record('1', { abandoned: true }), 'C 2\n{"run":""}', record('3', {})],
        effects: [child(), other],
      });
      const terminated = { last: ['Z -\n{"token":', '}'] as const, retain: 600_000, cancel: 'X -\n{}' };
      expect(await store.terminate({ ...ref('p/p/p', 'g'), ...terminated })).toEqual({ word: 'terminated' });
      expect(await store.page(ref(CHILD, '0'), 1)).toEqual(['X -\n{}']);
      expect(await store.page(ref('c/p/~g.1', '0'), 1)).toEqual([]);
      expect(await claim('c')).toMatchObject({ run: CHILD, mark: 'ends' });
    });

    it('tells a child a cancel, and nothing to one that is over', async () => {
      const mine = await parent();
      await commit(mine, 0, { effects: [child()] });
      const cancel: Effect = { word: 'tell', run: CHILD, record: 'X -\n{}' };
      await commit(mine, 1, { records: ['Z -\n{}'], effects: [cancel], ending: END });
      expect(await store.page(ref(CHILD, '0'), 1)).toEqual(['X -\n{}']);
      const its = await claim('c');
      expect(its).toMatchObject({ run: CHILD, mark: expect.stringMatching(/^ends?$/) });
      await commit(its, 0, { records: ['Z -\n{}'], ending: END });
      await store.start({ ...ref('p/p/q', 'h'), header: 'H -\n{}', mailbox: '' });
      await commit(await claim('p'), 0, { effects: [cancel] });
      expect(await store.page(ref(CHILD, '0'), 1)).toEqual(['X -\n{}', 'Z -\n{}']);
    });
  });
}
