/** The contract of a store, which that in Redis and that in memory keep: each of its verbs, and what they refuse. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Claim, RunRef } from '../src/store/claim.js';
import type { AnewRequest, CommitRequest, Ending, Store } from '../src/store/store.js';

/** The store of one process, on the partition that all of a test share. */
export type MakeStore = () => Store;

const GO: Ending = { word: 'go' };
const LEASE = 60_000;
/** A header, as it is kept: it says when its run was started, which is now. */
const stamped = (body: string): unknown =>
  expect.toSatisfy((text: string) => /^H \d+\n/.test(text) && text.endsWith(`\n${body}`));

export function storeContract(name: string, makeStore: MakeStore): void {
  describe(name, () => {
    let store: Store;
    let calls = 0;
    const ref = (run: string, generation = 'g'): RunRef => ({ run, generation });
    const start = (run: string, generation = 'g') =>
      store.start({ run, generation, header: 'H -\n{}', mailbox: '' });
    const work = (session: string, want = 10, number?: number) => {
      calls += 1;
      const workflows = ['a', 'b'];
      return store.work({ session, lease: LEASE, want, number: number ?? calls, highest: 0, workflows });
    };
    const claim = async (session: string): Promise<Claim> => {
      const worked = await work(session, 1);
      const [first] = worked?.claims ?? [];
      if (!first) throw new Error('nothing was claimed');
      return first;
    };
    const commit = (of: Claim, commits: number, rest: Partial<CommitRequest> = {}) =>
      store.commit({ ...of, commits, ending: GO, records: [], state: undefined, ...rest });
    const owned = async (session = 'me.1'): Promise<Claim> => {
      await store.open(session, LEASE);
      await start('a/1');
      return claim(session);
    };

    beforeEach(() => {
      store = makeStore();
      calls = 100;
    });

    it('starts a run once, and knows the call that did', async () => {
      expect(await start('a/1', 'g1')).toEqual({ word: 'ready', generation: 'g1' });
      expect(await start('a/1', 'g1')).toEqual({ word: 'same', generation: 'g1' });
      expect(await start('a/1', 'g2')).toEqual({ word: 'exists', generation: 'g1' });
    });

    it('gives runs to sessions in the order in which they became ready, each with a higher token', async () => {
      await store.open('me.1', LEASE);
      for (const run of ['a/1', 'b/2', 'a/3', 'c/4']) await start(run);
      const worked = await work('me.1');
      const claims = worked?.claims ?? [];
      expect(claims.map(({ run }) => run)).toEqual(['a/1', 'a/3', 'b/2']);
      const tokens = claims.map(({ token }) => token);
      expect(new Set(tokens).size).toBe(3);
      await start('a/5');
      expect((await claim('me.1')).token).toBeGreaterThan(Math.max(...tokens));
    });

    it('tells the records of a short journal with the claim, and none of a long one', async () => {
      await store.open('me.1', LEASE);
      await start('a/1');
      await store.tell(ref('a/1'), 'M 1\n{}');
      await start('a/2');
      for (let n = 0; n < 64; n += 1) await store.tell(ref('a/2'), `M ${n}\n{}`);
      const claims = (await work('me.1'))?.claims;
      expect(claims?.map(({ records }) => records)).toEqual([[stamped('{}'), 'M 1\n{}'], []]);
    });

    it('claims nothing for a call that is late, or for a session that is not there', async () => {
      await store.open('me.1', LEASE);
      await start('a/1');
      expect((await work('me.1', 0, 5))?.claims).toEqual([]);
      expect((await work('me.1', 1, 4))?.claims).toEqual([]);
      expect((await work('me.1', 1, 6))?.claims).toHaveLength(1);
      expect(await work('nobody.1')).toBe(undefined);
      expect(await store.renew('nobody.1', LEASE)).toBe(undefined);
    });

    it('commits under the token, the count and the session, and under no other', async () => {
      const mine = await owned();
      expect(await commit(mine, 0, { records: ['S 0\n{}'] })).toEqual({ word: 'committed', length: 2 });
      expect(await commit(mine, 0, { records: ['S 1\n{}'] })).toEqual({ word: 'behind', length: 0 });
      expect(await commit(mine, 2, { records: ['S 1\n{}'] })).toEqual({ word: 'behind', length: 0 });
      const others = [
        { token: mine.token + 1 },
        { token: mine.token - 1 },
        { session: 'me.2' },
        { run: 'a/2' },
      ];
      for (const other of others) {
        expect(await commit({ ...mine, ...other }, 1, { records: ['S 1\n{}'] })).toMatchObject({
          word: 'stale',
        });
      }
      expect(await commit(mine, 1, { records: ['S 1\n{}', 'S 2\n{}'] })).toEqual({
        word: 'committed',
        length: 4,
      });
      expect(await store.page(ref('a/1'), 1)).toEqual(['S 0\n{}', 'S 1\n{}', 'S 2\n{}']);
    });

    it('tells an owner what became of a commit without an answer', async () => {
      const mine = await owned();
      expect(await store.read(mine, 1)).toEqual({ word: 'owned', commits: 0, length: 1, records: [] });
      await commit(mine, 0, { records: ['S 0\n{}'] });
      expect(await store.read(mine, 1)).toMatchObject({ commits: 1, records: ['S 0\n{}'] });
      expect(await store.read({ ...mine, session: 'me.2' }, 0)).toEqual({ word: 'stale' });
      await commit(mine, 1, {
        records: ['Z -\n{}'],
        ending: { word: 'end', retain: 600_000, status: 'completed' },
      });
      expect(await store.read(mine, 0)).toEqual({ word: 'over', last: 'Z -\n{}' });
    });

    it('says what it has of a run, and in which epoch', async () => {
      const mine = await owned();
      const proof = await store.proof(ref('a/1'), mine);
      expect(proof).toMatchObject({ generation: 'g', isOwned: true, last: '' });
      expect(proof.epoch).toBe((await work('me.1', 0))?.epoch);
      expect(await store.proof(ref('a/1'))).toMatchObject({ isOwned: false });
      for (const other of [{ token: mine.token + 1 }, { session: 'me.2' }])
        expect(await store.proof(ref('a/1'), { ...mine, ...other })).toMatchObject({ isOwned: false });
      await commit(mine, 0, {
        records: ['Z -\n{}'],
        ending: { word: 'end', retain: 600_000, status: 'completed' },
      });
      expect(await store.proof(ref('a/1'), mine)).toMatchObject({ isOwned: false, last: 'Z -\n{}' });
      expect(await store.proof(ref('a/1', 'h'))).toMatchObject({ generation: 'g', last: '' });
      expect(await store.proof(ref('a/2'))).toMatchObject({ generation: '', last: '' });
    });

    it('parks a run only if its owner has seen all of its journal', async () => {
      const mine = await owned();
      expect(await store.tell(ref('a/1'), 'M 1\n{}')).toEqual({ word: 'told' });
      const park: Ending = { word: 'park', known: 1, due: 0, waitsFor: [] };
      expect(await commit(mine, 0, { ending: park })).toEqual({ word: 'again', length: 2 });
      expect(await commit(mine, 1, { ending: { ...park, known: 2 } })).toMatchObject({ word: 'committed' });
      expect(await store.find(ref('a/1'), '')).toMatchObject({ word: 'parked' });
      expect(await commit(mine, 2)).toMatchObject({ word: 'stale' });
      expect((await work('me.1'))?.claims).toEqual([]);
      expect(await store.tell(ref('a/1'), 'M 2\n{}')).toEqual({ word: 'told' });
      expect((await claim('me.1')).token).toBeGreaterThan(mine.token);
    });

    it('lets a parked run go on when it is due', async () => {
      const mine = await owned();
      const past: Ending = { word: 'park', known: 1, due: 1, waitsFor: [] };
      await commit(mine, 0, { ending: past });
      const again = await claim('me.1');
      expect(again.run).toBe('a/1');
      const { now } = (await work('me.1')) ?? { now: 0 };
      await commit(again, 0, { ending: { ...past, due: now + 3_600_000 } });
      const worked = await work('me.1');
      expect(worked?.claims).toEqual([]);
      expect(worked?.soon).toBeLessThanOrEqual(LEASE);
    });

    it('makes what a session gives back ready for others, before all that wait', async () => {
      const mine = await owned();
      await start('a/2');
      await store.close('me.1');
      expect(await commit(mine, 0)).toMatchObject({ word: 'stale' });
      await store.open('you.1', LEASE);
      const next = await claim('you.1');
      expect(next.run).toBe('a/1');
      expect(next.token).toBeGreaterThan(mine.token);
      await commit(next, 0, { ending: { word: 'back' } });
      expect((await claim('you.1')).run).toBe('a/1');
    });

    it('takes back what a session owns whose time is over, and makes a run stuck that falls again and again', async () => {
      await start('a/1');
      await store.open('me.0', LEASE);
      const tokens: number[] = [];
      for (let fall = 1; fall <= 5; fall += 1) {
        await store.open(`it.${fall}`, 0);
        const worked = await store.work({
          ...{ session: `it.${fall}`, lease: 1, want: 1, number: 1, highest: 0, workflows: ['a'] },
        });
        const fallen = worked?.claims[0] as Claim;
        tokens.push(fallen.token);
        await expect
          .poll(async () => (await work('me.0', 0)) && (await store.find(ref('a/1'), '')).word)
          .not.toBe('owned');
        expect(await commit(fallen, 0, { records: ['S 0\n{}'] })).toMatchObject({ word: 'stale' });
      }
      expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
      expect(await store.find(ref('a/1'), '')).toMatchObject({
        word: 'stuck',
        detail: expect.stringContaining('5 times'),
      });
      expect(await store.retry('a/1')).toBe('ready');
      expect(await store.retry('a/1')).toBe('going');
      expect(await store.retry('a/2')).toBe('unknown');
      expect((await claim('me.0')).run).toBe('a/1');
    });

    it('keeps a run that is stuck, and takes messages for it', async () => {
      const mine = await owned();
      await commit(mine, 0, { ending: { word: 'stuck', reason: 'why' }, state: '"x"' });
      expect(await store.find(ref('a/1'), '')).toEqual({
        word: 'stuck',
        generation: 'g',
        state: '"x"',
        detail: 'why',
      });
      expect(await store.tell(ref('a/1'), 'M 1\n{}')).toEqual({ word: 'told' });
      expect((await work('me.1'))?.claims).toEqual([]);
    });

    it('ends a run, and tells its end to the mailboxes that wait for it', async () => {
      const heard: string[] = [];
      let isListening = false;
      await store.listen('box', {
        onMail: (text) => heard.push(text),
        onListening: () => {
          isListening = true;
        },
      });
      await expect.poll(() => isListening).toBe(true);
      const mine = await owned();
      expect(await store.find(ref('a/1'), 'box')).toMatchObject({ word: 'owned' });
      await commit(mine, 0, {
        records: ['Z -\n{"outcome":"it"}'],
        ending: { word: 'end', retain: 600_000, status: 'completed' },
        state: '1',
      });
      await expect.poll(() => heard).toEqual(['ea/1\nZ -\n{"outcome":"it"}']);
      expect(await store.find(ref('a/1'), 'box')).toEqual({
        word: 'over',
        generation: 'g',
        state: '1',
        detail: 'Z -\n{"outcome":"it"}',
      });
      expect(await store.tell(ref('a/1'), 'M 1\n{}')).toEqual({ word: 'over' });
      expect(await store.tell(ref('a/2'), 'M 1\n{}')).toEqual({ word: 'unknown' });
      expect(await store.find(ref('a/2'), '')).toEqual({ word: 'unknown' });
      expect(await start('a/1', 'other')).toEqual({ word: 'exists', generation: 'g' });
    });

    it('tells whoever asks for another generation of a run which one there is', async () => {
      const mine = await owned();
      expect(mine.generation).toBe('g');
      expect(await store.tell(ref('a/1', 'old'), 'M 1\n{}')).toEqual({ word: 'gen', generation: 'g' });
      expect(await store.find(ref('a/1', ''), '')).toMatchObject({ word: 'owned', generation: 'g' });
      await commit(mine, 0, {
        records: ['Z -\n{}'],
        ending: { word: 'end', retain: 600_000, status: 'completed' },
      });
      expect(await store.find(ref('a/1', ''), '')).toEqual({ word: 'gen', generation: 'g' });
      expect(await store.page(ref('a/1', 'g'), 1)).toEqual(['Z -\n{}']);
      expect(await store.page(ref('a/1', 'old'), 0)).toEqual([]);
    });

    const anew = (rest: Partial<AnewRequest> = {}): AnewRequest => ({
      ...{
        from: ref('a/1'),
        to: ref('a/1', 'h'),
        header: 'H -\n{"input":"new"}',
        cut: 0,
        drop: [],
        take: [],
        length: 1,
      },
      ...{ retain: 600_000, claim: undefined, ...rest },
    });

    it('begins another generation of a run that is over, over a part of its journal', async () => {
      const mine = await owned();
      const records = [
        'S 0\n{"value":1}',
        'A 1\n{"value":2}',
        'S 2\n{"value":3}',
        'M 3\n{"value":4}',
        'Z -\n{"value":5}',
      ];
      await commit(mine, 0, {
        records,
        ending: { word: 'end', retain: 600_000, status: 'completed' },
        state: '1',
      });
      const request = anew({ cut: 3, drop: [2], take: [4], length: 6 });
      expect(await store.anew({ ...request, from: ref('a/1', 'other') })).toEqual({
        word: 'gen',
        generation: 'g',
      });
      expect(await store.anew({ ...request, length: 5 })).toEqual({ word: 'again', length: 6 });
      expect(await store.anew({ ...request, from: ref('a/9'), to: ref('a/9', 'h') })).toEqual({
        word: 'unknown',
      });
      expect(await store.anew(request)).toEqual({ word: 'ready' });
      expect(await store.anew(request)).toEqual({ word: 'ready' });
      expect(await store.page(ref('a/1', 'h'), 0)).toEqual([
        stamped('{"input":"new"}'),
        'S 0\n{"value":1}',
        'V -\n{}',
        'S 2\n{"value":3}',
        'M 3\n{"value":4}',
      ]);
      expect(await store.page(ref('a/1', 'g'), 1)).toEqual(records);
      expect(await store.find(ref('a/1'), '')).toEqual({
        word: 'ready',
        generation: 'h',
        state: '1',
        detail: '0',
      });
      expect(await store.tell(ref('a/1'), 'M 1\n{}')).toEqual({ word: 'gen', generation: 'h' });
      expect(await store.anew(anew({ from: ref('a/1', 'h'), to: ref('a/1', 'i'), length: 5 }))).toEqual({
        word: 'going',
      });
      expect((await claim('me.1')).generation).toBe('h');
    });

    it('begins another generation of a run for its owner, who has it no longer then', async () => {
      const mine = await owned();
      await store.tell(ref('a/1'), 'M 1\n{}');
      const { token, session } = mine;
      const request = anew({ take: [1], length: 2, claim: { token, session, commits: 0 } });
      expect(await store.anew({ ...request, claim: undefined })).toEqual({ word: 'going' });
      expect(await store.anew({ ...request, claim: { token: token + 1, session, commits: 0 } })).toEqual({
        word: 'stale',
      });
      expect(await store.anew({ ...request, claim: { token, session, commits: 1 } })).toEqual({
        word: 'behind',
      });
      expect(await store.anew({ ...request, length: 1 })).toEqual({ word: 'again', length: 2 });
      expect(await store.anew(request)).toEqual({ word: 'ready' });
      expect(await commit(mine, 0)).toMatchObject({ word: 'stale' });
      const next = await claim('me.1');
      expect(next).toMatchObject({ run: 'a/1', generation: 'h' });
      expect(next.token).toBeGreaterThan(token);
      expect(await store.read(next, 0)).toMatchObject({
        length: 2,
        records: [stamped('{"input":"new"}'), 'M 1\n{}'],
      });
      await store.close('me.1');
      await store.open('me.2', LEASE);
      expect((await claim('me.2')).run).toBe('a/1');
    });

    it('begins another run over a part of the journal of one, which goes on as it was', async () => {
      const mine = await owned();
      await commit(mine, 0, { records: ['S 0\n{"value":1}'], state: '1' });
      const request = anew({ to: ref('a/2', 'h'), cut: 1 });
      expect(await store.anew(request)).toEqual({ word: 'ready' });
      expect(await store.anew({ ...request, to: ref('a/2', 'i') })).toEqual({
        word: 'exists',
        generation: 'h',
      });
      expect(await store.find(ref('a/2'), '')).toMatchObject({ word: 'ready', generation: 'h', state: '' });
      expect(await store.page(ref('a/2', 'h'), 0)).toEqual([stamped('{"input":"new"}'), 'S 0\n{"value":1}']);
      expect(await commit(mine, 1)).toMatchObject({ word: 'committed' });
    });

    it('begins another run again whose name is free, of which an earlier journal is still there', async () => {
      await owned();
      const fork = anew({ to: ref('a/2', 'h') });
      expect(await store.anew(fork)).toEqual({ word: 'ready' });
      expect(await store.tell(ref('a/2', 'h'), 'M 1\n{}')).toEqual({ word: 'told' });
      const end = { last: ['Z -\n', ''] as const, cancel: 'X -\n{}' };
      await store.terminate({ ...ref('a/2', 'h'), ...end, retain: 600_000 });
      const retry = anew({ from: ref('a/2', 'h'), to: ref('a/2', 'i'), length: 3 });
      expect(await store.anew(retry)).toEqual({ word: 'ready' });
      await store.terminate({ ...ref('a/2', 'i'), ...end, retain: 1 });
      await expect.poll(async () => (await store.find(ref('a/2'), '')).word).toBe('unknown');
      await store.tell(ref('a/1'), 'M 2\n{}');
      expect(await store.anew({ ...fork, cut: 1, header: 'H -\n{"input":"again"}' })).toEqual({
        word: 'ready',
      });
      expect(await store.page(ref('a/2', 'h'), 0)).toEqual([stamped('{"input":"again"}'), 'M 2\n{}']);
    });

    it('forgets a run whose time to be kept is over, so that its name may be used again', async () => {
      const mine = await owned();
      await commit(mine, 0, {
        records: ['Z -\n{}'],
        ending: { word: 'end', retain: 1, status: 'completed' },
        state: '1',
      });
      await expect.poll(async () => (await store.find(ref('a/1'), '')).word).toBe('unknown');
      expect(await store.tell(ref('a/1'), 'M 1\n{}')).toEqual({ word: 'unknown' });
      expect(await start('a/1', 'g2')).toEqual({ word: 'ready', generation: 'g2' });
      expect(await store.find(ref('a/1', 'g2'), '')).toMatchObject({ word: 'ready', state: '' });
      expect(await store.page(ref('a/1', 'g2'), 0)).toEqual([stamped('{}')]);
    });

    it('rings one worker that sleeps, and sends the mail of a run to its owner', async () => {
      const heard: string[] = [];
      let listening = 0;
      for (const mailbox of ['me', 'you']) {
        await store.listen(mailbox, {
          onMail: (text) => heard.push(`${mailbox} ${text}`),
          onListening: () => {
            listening += 1;
          },
        });
      }
      await expect.poll(() => listening).toBe(2);
      for (const session of ['gone.1', 'me.1', 'you.1']) {
        await store.open(session, LEASE);
        await store.work({ session, lease: LEASE, want: 1, number: 1, highest: 0, workflows: ['a'] });
      }
      await start('a/1');
      await expect.poll(() => heard).toEqual(['me b']);
      await claim('me.1');
      await store.tell(ref('a/1'), 'M 1\n{}');
      await expect.poll(() => heard).toEqual(['me b', 'me ma/1']);
      await start('a/2');
      await expect.poll(() => heard).toContain('you b');
    });

    it('keeps what steps have given, for a time', async () => {
      expect(await store.cached('k')).toBe(undefined);
      await store.cache('k', '1', 600_000);
      await store.cache('short', '2', 1);
      expect(await store.cached('k')).toBe('1');
      await expect.poll(() => store.cached('short')).toBe(undefined);
    });

    it('tells mailboxes with a commit, and only if that is carried out', async () => {
      const heard: string[] = [];
      let isListening = false;
      await store.listen('box', {
        onMail: (text) => heard.push(text),
        onListening: () => {
          isListening = true;
        },
      });
      await expect.poll(() => isListening).toBe(true);
      const mine = await owned();
      const effects = (text: string): Partial<CommitRequest> => ({
        effects: [{ word: 'mail', mailbox: 'box', text }],
      });
      expect(await commit(mine, 1, effects('r\n{}'))).toMatchObject({ word: 'behind' });
      expect(await commit(mine, 0, effects('ra\nR 1\n{"value":1}'))).toMatchObject({ word: 'committed' });
      await expect.poll(() => heard).toEqual(['ra\nR 1\n{"value":1}']);
    });

    it('issues a fresh token for an attempt, above what a guard has seen, and leaves the owner as it is', async () => {
      const mine = await owned();
      const first = await store.retoken(mine, 0);
      if (first.word !== 'token') throw new Error(`got ${first.word}`);
      expect(first.token).toBeGreaterThan(mine.token);
      const second = await store.retoken(mine, first.token + 5);
      expect(second).toMatchObject({ word: 'token' });
      if (second.word === 'token') expect(second.token).toBeGreaterThan(first.token + 5);
      expect(await store.retoken({ ...mine, token: mine.token + 1 }, 0)).toEqual({ word: 'stale' });
      expect(await commit(mine, 0)).toMatchObject({ word: 'committed' });
    });
  });
}
