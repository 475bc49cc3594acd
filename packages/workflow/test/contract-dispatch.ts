/** The contract of a store about which runs begin, when, and for whom: priorities, delays, keys, builds and suspects. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Claimed, CommitRequest, StartTerms, Store, WorkRequest } from '../src/store/store.js';
import type { MakeStore } from './contract.js';

const LEASE = 60_000;
const END = { word: 'end', retain: 600_000, status: 'completed' } as const;

export function dispatchContract(name: string, makeStore: MakeStore): void {
  describe(`${name}: dispatch`, () => {
    let store: Store;
    let calls = 0;
    const start = (run: string, under: StartTerms = {}) =>
      store.start({ run, generation: `g-${run}`, header: 'H -\n{}', mailbox: '', under });
    const work = (session: string, rest: Partial<WorkRequest> = {}) => {
      calls += 1;
      const request = { session, lease: LEASE, want: 10, number: calls, highest: 0, workflows: ['a', 'b'] };
      return store.work({ ...request, ...rest });
    };
    const claims = async (session: string, rest: Partial<WorkRequest> = {}): Promise<readonly Claimed[]> =>
      (await work(session, rest))?.claims ?? [];
    const namesOf = async (session: string, rest: Partial<WorkRequest> = {}): Promise<readonly string[]> =>
      (await claims(session, rest)).map(({ run }) => run);
    const commit = (of: Claimed, rest: Partial<CommitRequest> = {}) =>
      store.commit({ ...of, commits: 0, ending: { word: 'go' }, records: [], state: undefined, ...rest });
    const end = (of: Claimed) => commit(of, { records: ['Z -\n{}'], ending: END });
    const find = (run: string) => store.find({ run, generation: `g-${run}` }, '');
    /** What the session has is taken from it, as from one whose worker has died. */
    const fall = async (session: string, rest: Partial<WorkRequest> = {}): Promise<Claimed> => {
      await store.open(session, 0);
      const [fallen] = await claims(session, { lease: 1, want: 1, ...rest });
      if (!fallen) throw new Error('nothing was claimed');
      const taken = async () => (await work('me.1', { want: 0 })) && (await find(fallen.run)).word;
      await expect.poll(taken, { timeout: 20_000, interval: 2 }).not.toBe('owned');
      return fallen;
    };

    beforeEach(async () => {
      store = makeStore();
      calls = 100;
      await store.open('me.1', LEASE);
    });

    it('claims first of higher priority, and those that are given back before all others of theirs', async () => {
      await start('a/1/1');
      await start('a/2/2', { priority: 9 });
      await start('a/3/3', { priority: 4 });
      await start('a/4/4', { priority: 9 });
      const [first] = await claims('me.1', { want: 1 });
      expect(first?.run).toBe('a/2/2');
      await commit(first as Claimed, { ending: { word: 'back' } });
      expect(await namesOf('me.1')).toEqual(['a/2/2', 'a/4/4', 'a/3/3', 'a/1/1']);
    });

    it('lets a delayed run begin when its time has come, and tells when that is', async () => {
      expect(await start('a/1/1', { delay: 50 })).toMatchObject({ word: 'delayed' });
      expect(await start('a/2/2', { delay: LEASE / 2 })).toMatchObject({ word: 'delayed' });
      const first = await work('me.1');
      expect(first?.soon).toBeLessThanOrEqual(LEASE / 2);
      const given = [...(first?.claims ?? [])].map(({ run }) => run);
      const look = async () => given.push(...(await namesOf('me.1'))) && given;
      await expect.poll(look, { timeout: 20_000 }).toEqual(['a/1/1']);
      expect(await find('a/2/2')).toMatchObject({ word: 'delayed' });
    });

    it('gives a run back for later, whatever is told to it meanwhile', async () => {
      await start('a/1/1', { keyed: true });
      await start('a/1/2', { keyed: true });
      const [first] = await claims('me.1');
      expect(await commit(first as Claimed, { ending: { word: 'back', delay: 100 } })).toMatchObject({
        word: 'committed',
      });
      expect(await store.tell({ run: 'a/1/1', generation: 'g-a/1/1' }, 'M 1\n{}')).toEqual({ word: 'told' });
      expect(await find('a/1/1')).toMatchObject({ word: 'delayed' });
      expect(await find('a/1/2')).toMatchObject({ word: 'line' });
      const counted = await store.count(['a']);
      expect(counted[0]).toMatchObject({ delayed: 1, waiting: 1, running: 0 });
      const given: string[] = [];
      const look = async () => given.push(...(await namesOf('me.1'))) && given;
      await expect.poll(look, { timeout: 20_000 }).toEqual(['a/1/1']);
      expect(await find('a/1/1')).toMatchObject({ word: 'owned' });
    });

    it('gives a run that has expired to any worker, to end it, but not one that has begun', async () => {
      const { now = 0 } = (await work('me.1')) ?? {};
      await start('c/1/1', { expires: now - 1 });
      await start('c/2/2', { expires: now + 3_600_000 });
      const expired = (await claims('me.1')).find(({ run }) => run === 'c/1/1');
      expect(expired).toMatchObject({ mark: 'ends' });
      expect(await end(expired as Claimed)).toMatchObject({ word: 'committed' });
      expect(await find('c/1/1')).toMatchObject({ word: 'over' });
      expect(await find('c/2/2')).toMatchObject({ word: 'ready' });
    });

    it('leaves a run that has begun in time to its worker', async () => {
      const { now = 0 } = (await work('me.1')) ?? {};
      await start('a/1/1', { expires: now + 300 });
      const [begun] = await claims('me.1');
      await commit(begun as Claimed, { ending: { word: 'back' } });
      await expect
        .poll(async () => ((await work('me.1', { want: 0 }))?.now ?? 0) > now + 300, { timeout: 20_000 })
        .toBe(true);
      expect(await claims('me.1')).toMatchObject([{ run: 'a/1/1', mark: '' }]);
    });

    it('gives a run that was cancelled before it began to any worker, wherever it waited', async () => {
      await start('c/k/1', { keyed: true });
      await start('c/k/2', { keyed: true });
      await start('c/3/3', { delay: 3_600_000 });
      for (const run of ['c/k/1', 'c/k/2', 'c/3/3'])
        await store.tell({ run, generation: `g-${run}` }, 'X -\n{}');
      const given = await claims('me.1');
      expect(given.map(({ run, mark }) => `${run} ${mark}`).sort()).toEqual([
        ...['c/3/3 ends', 'c/k/1 ends', 'c/k/2 ends'],
      ]);
      for (const each of given) expect(await end(each)).toMatchObject({ word: 'committed' });
      await store.close('me.1');
    });

    it('lets the runs of a key go on one at a time, in the order of their starts, through crashes and stuck ones', async () => {
      expect(await start('a/k/1', { keyed: true })).toMatchObject({ word: 'ready' });
      expect(await start('a/k/2', { keyed: true, priority: 1 })).toMatchObject({ word: 'line' });
      expect(await start('a/k/3', { keyed: true, priority: 9 })).toMatchObject({ word: 'line' });
      expect(await start('a/other/4', { keyed: true })).toMatchObject({ word: 'ready' });
      expect(await start('b/k/5', { keyed: true })).toMatchObject({ word: 'ready' });
      await fall('it.1', { workflows: ['a'] });
      const [first, ...others] = await claims('me.1');
      expect([first, ...others].map((each) => each?.run)).toEqual(['a/k/1', 'a/other/4', 'b/k/5']);
      await commit(first as Claimed, { ending: { word: 'stuck', reason: 'why' } });
      expect(await namesOf('me.1')).toEqual([]);
      expect(await find('a/k/2')).toMatchObject({ word: 'line' });
      await store.retry('a/k/1');
      const [again] = await claims('me.1');
      await commit(again as Claimed, { ending: { word: 'park', known: 1, due: 0, waitsFor: [] } });
      expect(await namesOf('me.1')).toEqual([]);
      await store.tell({ run: 'a/k/1', generation: 'g-a/k/1' }, 'M 1\n{}');
      const [last] = await claims('me.1');
      await end(last as Claimed);
      const [second, none] = await claims('me.1');
      expect([second?.run, none]).toEqual(['a/k/2', undefined]);
      await end(second as Claimed);
      expect(await namesOf('me.1')).toEqual(['a/k/3']);
    });

    it('takes a run that was cancelled out of its line, so that the next of it has the key', async () => {
      await start('a/k/1', { keyed: true });
      await start('a/k/2', { keyed: true });
      await start('a/k/3', { keyed: true });
      const [first] = await claims('me.1');
      await store.tell({ run: 'a/k/2', generation: 'g-a/k/2' }, 'X -\n{}');
      const [cancelled] = await claims('me.1');
      expect(cancelled).toMatchObject({ run: 'a/k/2', mark: 'ends' });
      await end(cancelled as Claimed);
      expect(await namesOf('me.1')).toEqual([]);
      await end(first as Claimed);
      expect(await namesOf('me.1')).toEqual(['a/k/3']);
    });

    it('gives a run to the session that starts it only while that is not over, and has the key for it', async () => {
      const owner = { session: 'me.1', highest: 5 };
      const started = await start('a/1/1', { owner });
      expect(started).toMatchObject({ word: 'owned', token: expect.any(Number) });
      const claim = {
        run: 'a/1/1',
        generation: started.generation,
        token: started.token ?? 0,
        session: 'me.1',
      };
      expect(await store.read(claim, 0)).toMatchObject({ word: 'owned', commits: 0, length: 1 });
      expect(await start('a/1/1', { owner })).toMatchObject({ word: 'same' });
      expect(await start('a/2/2', { owner: { ...owner, session: 'gone.1' } })).toMatchObject({
        word: 'ready',
      });
      await store.open('late.1', 0);
      await expect
        .poll(async () => (await start(`a/${calls}/x`, { owner: { ...owner, session: 'late.1' } })).word, {
          timeout: 20_000,
        })
        .toBe('ready');
      await start('a/k/3', { keyed: true });
      expect(await start('a/k/4', { keyed: true, owner })).toMatchObject({ word: 'line' });
      const [next] = await claims('me.1', { want: 1 });
      expect(next?.token).toBeGreaterThan(claim.token);
    });

    it('gives runs to workers of the build that has committed to them, or of a higher one', async () => {
      const builds = (build: string) => ({ workflows: ['a'], builds: { a: build } });
      await start('a/1/1');
      const [by3] = await claims('me.1', builds('3'));
      await commit(by3 as Claimed, { build: '3', records: ['S 0\n{}'], ending: { word: 'back' } });
      await start('a/2/2', { priority: 1 });
      expect(await namesOf('me.1', builds('2'))).toEqual(['a/2/2']);
      await start('a/3/3', { priority: 2 });
      expect(await namesOf('me.1', { ...builds('12'), want: 1 })).toEqual(['a/3/3']);
      expect(await namesOf('me.1', builds('12'))).toEqual(['a/1/1']);
    });

    it('gives a run that does not fit the code of a build to a higher one, or makes it stuck if there is none', async () => {
      const builds = (build: string) => ({ workflows: ['a'], builds: { a: build } });
      const unfit = { word: 'stuck', reason: 'why', isUnfit: true } as const;
      await store.open('you.1', LEASE);
      await store.serve({ session: 'you.1', ...builds('7') });
      await start('a/1/1');
      const [by3] = await claims('me.1', builds('3'));
      await commit(by3 as Claimed, { build: '3', ending: unfit });
      expect(await namesOf('me.1', builds('3'))).toEqual([]);
      const [by7] = await claims('me.1', builds('7'));
      expect(by7?.run).toBe('a/1/1');
      await commit(by7 as Claimed, { build: '7', ending: unfit });
      expect(await find('a/1/1')).toMatchObject({ word: 'stuck', detail: 'why' });
    });

    it('lets what is stuck go on with a build that is higher than all before, but for what is pinned', async () => {
      const serve = (build: string) =>
        store.serve({ session: 'me.1', workflows: ['a'], builds: { a: build } });
      expect(await serve('3')).toEqual({ isMore: false, unserved: [] });
      const stuck = { word: 'stuck', reason: 'why' } as const;
      for (const run of ['a/1/1', 'a/2/2', 'b/3/3']) await start(run);
      const pinned = { workflows: ['a'], builds: { a: '3=' } };
      const [first] = await claims('me.1', { ...pinned, want: 1 });
      await commit(first as Claimed, { build: '3=', records: ['S 0\n{}'], ending: stuck });
      for (const each of await claims('me.1')) await commit(each, { ending: stuck });
      for (const lower of ['2', '3']) await serve(lower);
      expect((await store.count(['a', 'b'])).map((counts) => counts.stuck)).toEqual([2, 1]);
      await serve('4');
      expect((await store.count(['a', 'b'])).map((counts) => counts.stuck)).toEqual([1, 1]);
      expect(await find('a/1/1')).toMatchObject({ word: 'stuck', detail: 'why' });
      // It was an older build that was stuck.
      expect(await namesOf('me.1', { workflows: ['a'], builds: { a: '3' } })).toEqual([]);
      expect(await namesOf('me.1', { workflows: ['a'], builds: { a: '4' } })).toEqual(['a/2/2']);
      expect(await store.serve({ session: 'gone.1', workflows: ['a'] })).toBe(undefined);
    });

    it('lets all go on that is stuck, however much that is', async () => {
      await Promise.all(Array.from({ length: 1_500 }, (_, n) => start(`a/${n}/${n}`)));
      const all = await claims('me.1', { workflows: ['a'], want: 1_500 });
      const stuck = { word: 'stuck', reason: 'why' } as const;
      await Promise.all(all.map((each) => commit(each, { ending: stuck })));
      for (let isMore = true; isMore; ) {
        const served = await store.serve({ session: 'me.1', workflows: ['a'], builds: { a: '1' } });
        isMore = served?.isMore ?? false;
      }
      expect((await store.count(['a']))[0]).toMatchObject({ stuck: 0, waiting: 1_500 });
    });

    it('tells what waits for a build that no worker has', async () => {
      const serve = (session: string, build: string) =>
        store.serve({ session, workflows: ['a'], builds: { a: build } });
      const none = { isMore: false, unserved: [] };
      const back = { records: ['S 0\n{}'], ending: { word: 'back' } } as const;
      await start('a/1/1');
      await start('a/2/2');
      expect(await find('a/1/1')).toMatchObject({ word: 'ready', detail: '0' });
      expect(await store.demand(['a', 'b'])).toMatchObject([
        { waiting: 2, unserved: 2 },
        { waiting: 0, unserved: 0 },
      ]);
      expect(await serve('me.1', '0')).toEqual(none);
      expect(await find('a/1/1')).toMatchObject({ word: 'ready', detail: '' });
      expect(await store.demand(['a'])).toMatchObject([{ waiting: 2, unserved: 0 }]);
      const [one, two] = await claims('me.1', { workflows: ['a'], builds: { a: '12=' } });
      await commit(one as Claimed, { build: '12', ...back });
      await commit(two as Claimed, { build: '12=', ...back });
      const waits = { isMore: false, unserved: [{ workflow: 'a', build: '12' }] };
      expect(await serve('me.1', '9')).toEqual(waits);
      expect(await find('a/2/2')).toMatchObject({ word: 'ready', detail: '12=' });
      expect(await store.demand(['a'])).toMatchObject([{ waiting: 2, unserved: 2 }]);
      await store.open('you.1', LEASE);
      await serve('you.1', '13');
      expect(await serve('me.1', '9')).toEqual({
        isMore: false,
        unserved: [{ workflow: 'a', build: '12=' }],
      });
      await store.open('it.1', LEASE);
      await serve('it.1', '12=');
      expect(await serve('me.1', '9')).toEqual(none);
      expect(await store.demand(['a'])).toMatchObject([{ waiting: 2, unserved: 0 }]);
      await store.close('it.1');
      await store.close('you.1');
      expect(await serve('me.1', '9')).toEqual(waits);
    });

    it('keeps the priority and the build of a run that goes over its way again, or of which another is made', async () => {
      const builds = (build: string) => ({ workflows: ['a'], builds: { a: build } });
      const anew = (from: string, to: string, generation: string, length: number) =>
        store.anew({
          ...{ from: { run: from, generation: `g-${from}` }, to: { run: to, generation }, header: 'H -\n{}' },
          ...{ cut: 0, drop: [], take: [], length, retain: 600_000, claim: undefined },
        });
      await start('a/1/1', { priority: 7 });
      const [pinned] = await claims('me.1', builds('3='));
      expect(await anew('a/1/1', 'a/1/2', 'live', 1)).toEqual({ word: 'ready' });
      await commit(pinned as Claimed, { build: '3=', records: ['Z -\n{}'], ending: END });
      expect((await store.list({ workflow: 'a', isOver: true, from: '0' })).runs).toMatchObject([
        { run: 'a/1/1', state: 'completed' },
      ]);
      expect(await anew('a/1/1', 'a/1/3', 'fork', 2)).toEqual({ word: 'ready' });
      expect(await anew('a/1/1', 'a/1/1', 'retry', 2)).toEqual({ word: 'ready' });
      await start('a/9/9', { priority: 6 });
      // The first was forked before a build had committed to it; the others wait for one another.
      expect(await namesOf('me.1', builds('4'))).toEqual(['a/1/2', 'a/9/9']);
      const order: string[] = [];
      for (const next of ['a/1/2', 'a/1/3', 'a/1/1']) {
        const run = {
          run: next,
          generation: { 'a/1/2': 'live', 'a/1/3': 'fork', 'a/1/1': 'retry' }[next] ?? '',
        };
        expect(await namesOf('me.1', builds('4'))).toEqual([]);
        order.push(...(await namesOf('me.1', builds('3='))));
        await store.terminate({ ...run, last: ['Z -\n', ''], cancel: 'X -\n{}', retain: 600_000 });
      }
      expect(order).toEqual(['a/1/3', 'a/1/1']);
      expect((await store.count(['a']))[0]).toMatchObject({ running: 1, cancelled: 3, completed: 0 });
    });

    it('gives a pinned run to workers of its own build only', async () => {
      const builds = (build: string) => ({ workflows: ['a'], builds: { a: build } });
      await start('a/1/1');
      const [pinned] = await claims('me.1', builds('3='));
      await commit(pinned as Claimed, { build: '3=', records: ['S 0\n{}'], ending: { word: 'back' } });
      for (const other of ['2=', '3', '4', '4=']) expect(await namesOf('me.1', builds(other))).toEqual([]);
      expect(await namesOf('me.1', builds('3='))).toEqual(['a/1/1']);
    });

    it('gives out a run that has fallen twice alone, and lets one session make room for it', async () => {
      await start('a/1/1');
      await fall('it.1');
      await fall('it.2');
      await start('a/2/2');
      await start('a/3/3');
      await store.open('you.1', LEASE);
      const [suspect, none] = await claims('me.1');
      expect([suspect, none]).toMatchObject([{ run: 'a/1/1', mark: 'suspect', falls: 2 }, undefined]);
      await commit(suspect as Claimed, { ending: { word: 'back' } });
      const [busy] = await claims('you.1', { want: 1, workflows: ['b'] }).then(() =>
        claims('me.1', { want: 1 }),
      );
      expect(busy).toMatchObject({ run: 'a/1/1', mark: 'suspect' });
      await commit(busy as Claimed, { records: ['S 0\n{}'], ending: { word: 'back' } });
      expect(await claims('me.1')).toMatchObject([
        { run: 'a/1/1', mark: '', falls: 0 },
        { run: 'a/2/2' },
        { run: 'a/3/3' },
      ]);
      await start('b/4/4');
      await fall('it.3', { workflows: ['b'] });
      await fall('it.4', { workflows: ['b'] });
      await start('a/5/5');
      expect(await work('me.1')).toMatchObject({ drains: true, claims: [] });
      const free = await work('you.1');
      expect(free).toMatchObject({ drains: false, claims: [{ run: 'b/4/4', mark: 'suspect' }] });
      expect(await work('me.1')).toMatchObject({ drains: false, claims: [{ run: 'a/5/5' }] });
    });
  });
}
