/** The contract of a store about what operators see of runs and do to them. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ToArchive } from '../src/store/run-store.js';
import type { Claimed, Ending, Store } from '../src/store/store.js';
import type { MakeStore } from './contract.js';

const LEASE = 60_000;

export function runsContract(name: string, makeStore: MakeStore): void {
  describe(`${name}: runs`, () => {
    let store: Store;
    let calls = 0;
    const ref = (run: string) => ({ run, generation: `g-${run}` });
    const start = (run: string, under = {}) =>
      store.start({ ...ref(run), header: 'H -\n{}', mailbox: '', under });
    const claims = async (want = 10): Promise<readonly Claimed[]> => {
      calls += 1;
      const request = {
        session: 'me.1',
        lease: LEASE,
        want,
        number: calls,
        highest: 0,
        workflows: ['a', 'b'],
      };
      return (await store.work(request))?.claims ?? [];
    };
    const commit = (of: Claimed | undefined, ending: Ending) =>
      store.commit({ ...(of as Claimed), commits: 0, records: ['Z -\n{}'], state: undefined, ending });
    const terminate = (run: string) =>
      store.terminate({ ...ref(run), last: ['Z -\n{"token":', '}'], retain: 600_000, cancel: 'X -\n{}' });
    const listed = async (isOver: boolean, workflow = 'a') => {
      const { runs } = await store.list({ workflow, isOver, from: '0' });
      return runs.map(({ run, state }) => `${run} ${state}`).sort();
    };

    beforeEach(async () => {
      store = makeStore();
      calls = 100;
      await store.open('me.1', LEASE);
    });

    it.each([5, 100])(
      'goes through %i runs page by page, and misses none that is there all the while',
      async (count) => {
        const names = Array.from({ length: count }, (_, n) => `a/${n}/1`);
        for (const run of names) await start(run);
        for (let n = 0; n < 20; n += 1) await start(`b/${n}/1`);
        const seen = new Set<string>();
        let [from, pages] = ['0', 0];
        do {
          const page = await store.list({ workflow: 'a', isOver: false, from, most: 10, state: 'waiting' });
          expect(page.runs.length).toBeLessThan(20);
          for (const { run } of page.runs) seen.add(run);
          from = page.next;
          pages += 1;
          await start(`a/new/${pages}`);
          await terminate(`b/${pages}/1`);
        } while (from !== '0');
        expect([...seen]).toEqual(expect.arrayContaining(names));
        expect(pages).toBeGreaterThanOrEqual(Math.floor(count / 10));
        const none = await store.list({ workflow: 'a', isOver: false, from: '0', most: 10, state: 'stuck' });
        expect(none).toEqual({ next: '0', runs: [] });
      },
    );

    it('gives a small page of what Redis keeps in one place, by name', async () => {
      for (const run of ['a/2/2', 'a/1/1', 'b/1/1', 'a/3/3']) await start(run);
      for (const run of ['a/3/3', 'a/1/1', 'b/1/1', 'a/2/2']) await terminate(run);
      const page = (from: string) => store.list({ workflow: 'a', isOver: true, from, most: 1 });
      const first = await page('0');
      const second = await page(first.next);
      const third = await page(second.next);
      expect([first, second, third].flatMap(({ runs }) => runs.map(({ run }) => run))).toEqual([
        ...['a/1/1', 'a/2/2', 'a/3/3'],
      ]);
      expect(third.next).toBe('0');
    });

    it('lists and counts runs by their state', async () => {
      for (const run of ['a/1/1', 'a/2/2', 'a/3/3', 'a/4/4', 'b/1/1']) await start(run);
      await start('a/5/5', { delay: 3_600_000 });
      await start('a/6/6', { keyed: true });
      await start('a/6/7', { keyed: true });
      const [one, two, three] = await claims(4);
      await commit(one, { word: 'end', retain: 600_000, status: 'failed' });
      await commit(two, { word: 'park', known: 1, due: 0, waitsFor: [] });
      await commit(three, { word: 'stuck', reason: 'why' });
      expect(await listed(false)).toEqual([
        ...[
          'a/2/2 sleeping',
          'a/3/3 stuck',
          'a/4/4 running',
          'a/5/5 delayed',
          'a/6/6 waiting',
          'a/6/7 waiting',
        ],
      ]);
      expect(await listed(true)).toEqual(['a/1/1 failed']);
      expect(await listed(false, '')).toContain('b/1/1 waiting');
      const [counts, ofB] = await store.count(['a', 'b']);
      expect(counts).toEqual({
        ...{
          waiting: 2,
          delayed: 1,
          running: 1,
          sleeping: 1,
          stuck: 1,
          completed: 0,
          failed: 1,
          cancelled: 0,
        },
      });
      expect(ofB).toMatchObject({ waiting: 1 });
    });

    it('ends a run wherever it is, under a token of its own, and frees its key', async () => {
      for (const run of ['a/1/1', 'a/2/2', 'a/3/3']) await start(run);
      const [one, two, three] = await claims();
      await commit(two, { word: 'park', known: 1, due: 0, waitsFor: [] });
      await commit(three, { word: 'stuck', reason: 'why' });
      await start('a/4/4', { delay: 3_600_000 });
      await start('a/k/5', { keyed: true });
      await start('a/k/6', { keyed: true });
      for (const run of ['a/1/1', 'a/2/2', 'a/3/3', 'a/4/4', 'a/k/5']) {
        expect(await terminate(run)).toEqual({ word: 'terminated' });
        expect(await terminate(run)).toEqual({ word: 'over' });
      }
      expect(await commit(one, { word: 'go' })).toMatchObject({ word: 'stale' });
      const found = await store.find(ref('a/1/1'), '');
      if (found.word !== 'over') throw new Error(`got ${found.word}`);
      const { token } = JSON.parse(found.detail.slice(found.detail.indexOf('\n')));
      expect(token).toBeGreaterThan(one?.token ?? 0);
      expect((await claims()).map(({ run }) => run)).toEqual(['a/k/6']);
      const [counts] = await store.count(['a']);
      expect(counts).toEqual({
        ...{
          waiting: 0,
          delayed: 0,
          running: 1,
          sleeping: 0,
          stuck: 0,
          completed: 0,
          failed: 0,
          cancelled: 5,
        },
      });
      expect(await terminate('a/9/9')).toEqual({ word: 'unknown' });
    });

    it('erases what a run has kept in earlier generations, of which there are some', async () => {
      await start('a/1/1');
      const retain = 600_000;
      const again = (from: string, to: string) =>
        store.anew({
          ...{ from: { run: 'a/1/1', generation: from }, to: { run: 'a/1/1', generation: to } },
          ...{ header: 'H -\n{}', cut: 0, drop: [], take: [], length: 2, retain, claim: undefined },
        });
      const kept = (generation: string) => store.page({ run: 'a/1/1', generation }, 0);
      await terminate('a/1/1');
      let last = 'g-a/1/1';
      for (let n = 0; n <= 101; n += 1) {
        expect(await again(last, `h${n}`)).toEqual({ word: 'ready' });
        const ref = { run: 'a/1/1', generation: `h${n}` };
        last = `h${n}`;
        await store.terminate({ ...ref, last: ['Z -\n{"token":', '}'], retain, cancel: 'X -\n{}' });
      }
      expect(await kept('g-a/1/1')).toEqual([]);
      expect(await kept('h0')).toEqual([]);
      expect(await kept('h1')).toHaveLength(2);
      expect(await kept('h100')).toHaveLength(2);
      expect(await store.purge({ run: 'a/1/1', generation: last })).toEqual({ word: 'purged' });
      for (const each of ['h1', 'h50', 'h100', 'h101']) expect(await kept(each)).toEqual([]);
    });

    it('has the result of a task for a retry that came when the run was over, once, and no other message', async () => {
      await start('a/1/1');
      await terminate('a/1/1');
      for (const [record, isResult] of [
        ['M t1\n{"value":1}', true],
        ['M t1\n{"value":2}', true],
        ['M m1\n{}', false],
      ] as const)
        expect(await store.tell(ref('a/1/1'), record, isResult)).toEqual({ word: 'over' });
      expect(await store.page(ref('a/1/1'), 0)).toHaveLength(2);
      const retry = (from: string, to: string, length: number) =>
        store.anew({
          ...{ from: { run: 'a/1/1', generation: from }, to: { run: 'a/1/1', generation: to } },
          ...{ header: 'H -\n{}', cut: 0, drop: [], take: [], length, retain: 600_000, claim: undefined },
        });
      expect(await retry('g-a/1/1', 'h', 2)).toEqual({ word: 'ready' });
      const records = await store.page({ run: 'a/1/1', generation: 'h' }, 0);
      expect(records.slice(1)).toEqual(['M t1\n{"value":1}']);
      await store.terminate({
        ...{
          run: 'a/1/1',
          generation: 'h',
          last: ['Z -\n{"token":', '}'],
          retain: 600_000,
          cancel: 'X -\n{}',
        },
      });
      expect(await store.purge({ run: 'a/1/1', generation: 'h' })).toEqual({ word: 'purged' });
    });

    it('keeps no result of a task for a run that has completed, and is never retried', async () => {
      await start('a/1/1');
      const [one] = await claims();
      await commit(one, { word: 'end', retain: 600_000, status: 'completed' });
      expect(await store.tell(ref('a/1/1'), 'M t1\n{}', true)).toEqual({ word: 'over' });
      await store.anew({
        ...{ from: ref('a/1/1'), to: { run: 'a/1/1', generation: 'h' }, header: 'H -\n{}', cut: 0 },
        ...{ drop: [], take: [], length: 2, retain: 600_000, claim: undefined },
      });
      expect(await store.page({ run: 'a/1/1', generation: 'h' }, 0)).toHaveLength(1);
    });

    it('forgets a run that is over, and no other', async () => {
      await start('a/1/1');
      await start('a/2/2');
      expect(await store.purge(ref('a/1/1'))).toEqual({ word: 'going' });
      await terminate('a/1/1');
      expect(await store.purge({ run: 'a/1/1', generation: '' })).toMatchObject({ word: 'gen' });
      expect(await store.purge(ref('a/1/1'))).toEqual({ word: 'purged' });
      expect(await store.purge(ref('a/1/1'))).toEqual({ word: 'unknown' });
      expect(await store.page(ref('a/1/1'), 0)).toEqual([]);
      expect(await listed(true)).toEqual([]);
      expect((await store.count(['a']))[0]).toMatchObject({ waiting: 1, cancelled: 0 });
      expect(await start('a/1/1')).toMatchObject({ word: 'ready' });
    });

    it('hands runs that are over to an archive once their time to be kept is over, each under a later token', async () => {
      const end: Ending = { word: 'end', retain: 1, status: 'completed' };
      for (const run of ['a/1/1', 'a/2/2', 'a/3/3', 'a/4/4', 'b/5/5']) await start(run);
      const [unkept, one, two, three, other] = await claims();
      await commit(unkept, end);
      await store.serve({ session: 'me.1', workflows: ['a', 'b'], archives: true });
      await commit(one, { ...end, retain: 3_600_000 });
      for (const each of [two, three, other]) await commit(each, end);
      await expect.poll(async () => (await store.find(ref('a/1/1'), '')).word).toBe('unknown');
      // One that begins anew is over no more.
      const { run, ...again } = { ...ref('a/4/4'), generation: 'again' };
      const anew = { cut: 0, drop: [], take: [], length: 2, retain: 600_000, claim: undefined };
      await store.anew({ from: ref(run), to: { run, ...again }, header: 'H -\n{}', ...anew });
      const handed: ToArchive[] = [];
      await expect.poll(async () => handed.push(...(await store.archive(1))) && handed.length).toBe(2);
      expect(handed.map((each) => each.run).sort()).toEqual(['a/3/3', 'b/5/5']);
      const tokens = handed.map((each) => each.token);
      expect(tokens[0]).toBeGreaterThan(other?.token ?? 0);
      expect(tokens[1]).toBeGreaterThan(tokens[0] ?? 0);
      const { token } = handed.find((each) => each.run === 'a/3/3') as ToArchive;
      expect(await store.archive(10)).toEqual([]);
      expect(await store.page(ref('a/3/3'), 0)).toHaveLength(2);
      expect(await store.purge({ ...ref('a/3/3'), token: token + 1 })).toEqual({ word: 'stale' });
      expect(await store.purge({ ...ref('a/3/3'), token })).toEqual({ word: 'purged' });
      expect(await store.find(ref('a/3/3'), '')).toEqual({ word: 'unknown' });
      expect(await store.find(ref('a/2/2'), '')).toMatchObject({ word: 'over' });
      expect(await store.find(ref('a/4/4'), '')).toMatchObject({ word: 'ready' });
    });
  });
}
