/** The contract of a store's streams, which that in Redis and that in memory keep. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Claim } from '../src/store/claim.js';
import type { Store } from '../src/store/store.js';
import type { ChunksRequest } from '../src/store/stream-store.js';
import type { MakeStore } from './contract.js';

const LEASE = 60_000;

/** What the mailbox "box" hears. */
async function box(store: Store): Promise<string[]> {
  const heard: string[] = [];
  let isListening = false;
  await store.listen('box', {
    onMail: (text) => heard.push(text),
    onListening: () => {
      isListening = true;
    },
  });
  await expect.poll(() => isListening).toBe(true);
  return heard;
}

/** The run "a/1" of generation "g", which the session "me.1" owns. */
export async function ownedRun(store: Store): Promise<Claim> {
  await store.open('me.1', LEASE);
  await store.start({ run: 'a/1', generation: 'g', header: 'H -\n{}', mailbox: '' });
  const asked = { session: 'me.1', lease: LEASE, want: 1, number: 1, highest: 0, workflows: ['a'] };
  const [claim] = (await store.work(asked))?.claims ?? [];
  if (!claim) throw new Error('nothing was claimed');
  return claim;
}

export function streamContract(name: string, makeStore: MakeStore): void {
  describe(`the streams of ${name}`, () => {
    let store: Store;
    const chunks = (rest: Partial<ChunksRequest> = {}) =>
      store.chunks({ run: 'a/1', generation: 'g', stream: 'out', passed: 0, head: '', mailbox: '', ...rest });

    beforeEach(() => {
      store = makeStore();
    });

    it('appends chunks under the token, the session and the attempt, each once', async () => {
      const mine = await ownedRun(store);
      const attempt = { ...mine, stream: 'out', step: '0', attempt: mine.token };
      expect(await store.append({ ...attempt, index: 0, chunks: ['1', '2'] })).toEqual({
        word: 'appended',
        count: 2,
      });
      expect(await store.append({ ...attempt, index: 0, chunks: ['1', '2'] })).toEqual({
        word: 'appended',
        count: 2,
      });
      expect(await store.append({ ...attempt, index: 1, chunks: ['2', '3'] })).toEqual({
        word: 'appended',
        count: 3,
      });
      expect(await store.append({ ...attempt, index: 4, chunks: ['5'] })).toEqual({ word: 'gap', count: 3 });
      for (const other of [{ token: mine.token + 1 }, { session: 'me.2' }, { run: 'a/2' }]) {
        const appended = await store.append({ ...attempt, ...other, index: 3, chunks: ['x'] });
        expect(appended).toMatchObject({ word: 'stale' });
      }
      const later = { ...attempt, attempt: mine.token + 1 };
      expect(await store.append({ ...later, index: 0, chunks: ['"b"'] })).toEqual({
        word: 'appended',
        count: 1,
      });
      expect(await store.append({ ...attempt, index: 3, chunks: ['4'] })).toMatchObject({ word: 'stale' });
      const other = { ...attempt, step: '1', index: 0, chunks: ['"c"'] };
      expect(await store.append(other)).toEqual({ word: 'appended', count: 1 });
      const { token } = mine;
      expect(await chunks()).toEqual({
        word: 'open',
        passed: 0,
        latest: new Map([
          ['0', token + 1],
          ['1', token],
        ]),
        entries: [
          `c ${token} 0 0\n1`,
          `c ${token} 1 0\n2`,
          `c ${token} 2 0\n3`,
          `r ${token + 1} 0`,
          `c ${token + 1} 0 0\n"b"`,
          `c ${token} 0 1\n"c"`,
        ],
      });
      const head = `c ${token + 1} 0 0`;
      expect(await chunks({ passed: 5, head })).toMatchObject({
        passed: 5,
        entries: [`c ${token} 0 1\n"c"`],
      });
      expect(await chunks({ generation: 'f' })).toEqual({ word: 'gen', generation: 'g' });
      const anew = await chunks({ passed: 4, head });
      expect(anew).toMatchObject({ passed: 0 });
      expect(await chunks({ passed: 9, head })).toEqual(anew);
    });

    it('tells a reader of more that was given all that there is, with the same call', async () => {
      const heard = await box(store);
      const mine = await ownedRun(store);
      const attempt = { ...mine, stream: 'out', step: '0', attempt: mine.token };
      const many = Array.from({ length: 100 }, (_, index) => `${index}`);
      for (let index = 0; index < 1_100; index += 100)
        await store.append({ ...attempt, index, chunks: many });
      expect(await chunks({ mailbox: 'box' })).toMatchObject({ word: 'more', passed: 0 });
      const rest = { passed: 1_000, head: `c ${mine.token} 999 0`, mailbox: 'box' };
      expect(await chunks(rest)).toMatchObject({ word: 'open', passed: 1_000 });
      expect(heard).toEqual([]);
      await store.append({ ...attempt, index: 1_100, chunks: ['1'] });
      await expect.poll(() => heard).toEqual(['ca/1\nout']);
    });

    it('tells a reader once that there is more, and that the run is over', async () => {
      const heard = await box(store);
      expect(await chunks({ mailbox: 'box' })).toEqual({ word: 'unknown' });
      const mine = await ownedRun(store);
      const attempt = { ...mine, stream: 'out', step: '0', attempt: mine.token };
      expect(await chunks({ mailbox: 'box' })).toMatchObject({ word: 'open', entries: [] });
      expect(await chunks({ mailbox: 'box' })).toMatchObject({ word: 'open', entries: [] });
      await store.append({ ...attempt, index: 0, chunks: ['1'] });
      await store.append({ ...attempt, index: 1, chunks: ['2'] });
      await expect.poll(() => heard).toHaveLength(1);
      expect(heard[0]).toBe('ca/1\nout');
      const passed = { passed: 2, head: `c ${mine.token} 1 0`, mailbox: 'box' };
      expect(await chunks(passed)).toMatchObject({ word: 'open', entries: [] });
      await store.commit({
        ...mine,
        commits: 0,
        ending: { word: 'end', retain: 600_000, status: 'completed' },
        records: ['Z -\n{"outcome":"it"}'],
        state: undefined,
      });
      await expect.poll(() => heard).toHaveLength(2);
      expect(await chunks(passed)).toMatchObject({ word: 'over', entries: [] });
      expect(await chunks()).toMatchObject({ word: 'over', entries: [expect.anything(), expect.anything()] });
      expect(await store.append({ ...attempt, index: 2, chunks: ['3'] })).toMatchObject({ word: 'stale' });
    });
  });
}
