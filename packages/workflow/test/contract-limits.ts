/** The contract of a store about limits and pauses. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Claimed, DeclaredLimits, StartTerms, Store, WorkRequest } from '../src/store/store.js';
import type { MakeStore } from './contract.js';

const LEASE = 60_000;

export function limitsContract(name: string, makeStore: MakeStore): void {
  describe(`${name}: limits`, () => {
    let store: Store;
    let calls = 0;
    const start = (run: string, under: StartTerms = {}) =>
      store.start({ run, generation: `g-${run}`, header: 'H -\n{}', mailbox: '', under });
    const declare = (limits: Partial<DeclaredLimits>) =>
      store.declare({
        ...{ workflow: 'a', version: 1, text: JSON.stringify(limits), waiting: undefined },
        ...{ concurrency: undefined, rate: undefined, ...limits },
      });
    const work = (rest: Partial<WorkRequest> = {}) => {
      calls += 1;
      const request = { lease: LEASE, want: 10, number: calls, highest: 0, workflows: ['a', 'b'] };
      return store.work({ session: 'me.1', ...request, ...rest });
    };
    const claims = async (rest: Partial<WorkRequest> = {}): Promise<readonly Claimed[]> =>
      (await work(rest))?.claims ?? [];
    const namesOf = async (rest: Partial<WorkRequest> = {}) => (await claims(rest)).map(({ run }) => run);
    const end = (of: Claimed | undefined) =>
      store.commit({
        ...(of as Claimed),
        ...{
          commits: 0,
          records: ['Z -\n{}'],
          state: undefined,
          ending: { word: 'end', retain: 600_000, status: 'completed' },
        },
      });

    beforeEach(async () => {
      store = makeStore();
      calls = 100;
      await store.open('me.1', LEASE);
    });

    it('keeps limits under their version, and tells who declares others under the same', async () => {
      expect(await declare({ version: 2, waiting: 1 })).toEqual({ word: 'declared' });
      expect(await declare({ version: 2, waiting: 1 })).toEqual({ word: 'declared' });
      const kept = JSON.stringify({ version: 2, waiting: 1 });
      expect(await declare({ version: 2, waiting: 2 })).toEqual({ word: 'differs', kept });
      expect(await declare({ version: 1, waiting: 9 })).toEqual({ word: 'declared' });
      await start('a/1/1');
      expect(await start('a/2/2')).toMatchObject({ word: 'full', full: { most: 1 } });
      expect(await declare({ version: 3, waiting: 2 })).toEqual({ word: 'declared' });
      expect(await start('a/2/2')).toMatchObject({ word: 'ready' });
      expect(await start('a/3/3', { limits: 4 })).toMatchObject({ word: 'undeclared' });
      expect(await store.find({ run: 'a/3/3', generation: '' }, '')).toEqual({ word: 'unknown' });
    });

    it('refuses a start while as many wait as may, delayed ones and those of a line too, and changes nothing', async () => {
      await declare({ waiting: 3 });
      await start('a/k/1', { keyed: true });
      await start('a/k/2', { keyed: true });
      await start('a/3/3', { delay: 3_600_000 });
      const full = await start('a/4/4');
      expect(full).toMatchObject({ word: 'full', full: { most: 3 } });
      expect(full.full?.wait).toBeGreaterThan(0);
      expect(await start('b/4/4')).toMatchObject({ word: 'ready' });
      const [first] = await claims();
      expect(first?.run).toBe('a/k/1');
      expect(await start('a/4/4')).toMatchObject({ word: 'ready' });
      expect(await start('a/5/5')).toMatchObject({ word: 'full' });
      await store.tell({ run: 'a/3/3', generation: 'g-a/3/3' }, 'X -\n{}');
      expect(await start('a/5/5')).toMatchObject({ word: 'ready' });
    });

    it('refuses to begin a run over a part of another while as many wait as may, and counts it', async () => {
      await declare({ waiting: 1 });
      await start('a/k/1');
      const fork = (id: string, limits = 1) =>
        store.anew({
          ...{ from: { run: 'a/k/1', generation: 'g-a/k/1' }, to: { run: `a/k/${id}`, generation: 'h' } },
          ...{
            header: 'H -\n{}',
            cut: 0,
            drop: [],
            take: [],
            length: 1,
            retain: 1,
            claim: undefined,
            limits,
          },
        });
      const full = await fork('2');
      expect(full).toMatchObject({ word: 'full', full: { most: 1 } });
      expect(await store.find({ run: 'a/k/2', generation: '' }, '')).toEqual({ word: 'unknown' });
      expect(await namesOf()).toEqual(['a/k/1']);
      expect(await fork('2', 2)).toEqual({ word: 'undeclared' });
      expect(await fork('2')).toEqual({ word: 'ready' });
      expect(await fork('2')).toEqual({ word: 'ready' });
      expect(await fork('3')).toMatchObject({ word: 'full' });
      expect(await start('a/4/4')).toMatchObject({ word: 'full' });
      expect(await namesOf()).toEqual(['a/k/2']);
      expect(await fork('3')).toEqual({ word: 'ready' });
      await store.tell({ run: 'a/k/3', generation: 'h' }, 'X -\n{}');
      expect(await start('a/4/4')).toMatchObject({ word: 'ready' });
    });

    it('lets so many be owned at a time, and wakes a worker when one less is', async () => {
      const heard: string[] = [];
      let isListening = false;
      await store.listen('me', {
        onMail: (text) => heard.push(text),
        onListening: () => {
          isListening = true;
        },
      });
      await expect.poll(() => isListening, { timeout: 20_000 }).toBe(true);
      await declare({ concurrency: 2 });
      for (const run of ['a/1/1', 'a/2/2', 'a/3/3', 'b/4/4']) await start(run);
      const [first, ...others] = await claims();
      expect([first, ...others].map((each) => each?.run)).toEqual(['a/1/1', 'a/2/2', 'b/4/4']);
      expect(await namesOf()).toEqual([]);
      expect(await start('a/5/5', { owner: { session: 'me.1', highest: 0 } })).toMatchObject({
        word: 'ready',
      });
      await expect.poll(() => heard.length, { timeout: 20_000 }).toBeGreaterThan(0);
      await claims();
      heard.length = 0;
      await end(first);
      await expect.poll(() => heard, { timeout: 20_000 }).toEqual(['b']);
      expect(await namesOf()).toEqual(['a/3/3']);
      expect(await namesOf()).toEqual([]);
    });

    it('lets so many begin within a time, tells when more may, and does not hold up those that go on', async () => {
      await declare({ rate: { max: 2, per: 3_600_000 } });
      for (const run of ['a/1/1', 'a/2/2', 'a/3/3']) await start(run);
      const [first, second, none] = await claims();
      expect([first?.run, second?.run, none]).toEqual(['a/1/1', 'a/2/2', undefined]);
      const park = { word: 'park', known: 1, due: 1, waitsFor: [] } as const;
      await store.commit({ ...(second as Claimed), commits: 0, records: [], state: undefined, ending: park });
      expect(await namesOf()).toEqual(['a/2/2']);
      await end(first);
      const worked = await work();
      expect(worked).toMatchObject({ claims: [] });
      expect(await start('a/4/4', { owner: { session: 'me.1', highest: 0 } })).toMatchObject({
        word: 'ready',
      });
    });

    it('begins again when the time of a rate has passed', async () => {
      await declare({ rate: { max: 1, per: 50 } });
      await start('a/1/1');
      await start('a/2/2');
      expect(await namesOf()).toEqual(['a/1/1']);
      await expect.poll(() => namesOf(), { timeout: 20_000, interval: 5 }).toEqual(['a/2/2']);
    });

    it('gives nothing of a paused workflow, and wakes workers when that ends', async () => {
      await start('a/1/1');
      await store.hold('a', true);
      expect(await store.demand(['a', 'b'])).toMatchObject([{ paused: true }, { paused: false }]);
      expect(await start('a/2/2', { owner: { session: 'me.1', highest: 0 } })).toMatchObject({
        word: 'ready',
      });
      await start('b/3/3');
      expect(await namesOf()).toEqual(['b/3/3']);
      await store.hold('a', false);
      expect(await store.demand(['a'])).toMatchObject([{ paused: false }]);
      expect(await namesOf()).toEqual(['a/1/1', 'a/2/2']);
    });
  });
}
