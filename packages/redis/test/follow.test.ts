/** Following streams on real servers: what comes, in order, and what goes wrong. */
import { systemClock } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { compareIds, connect, follow, type StreamEntry } from '@holdfast/redis';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

type Options = Parameters<typeof follow>[0];
type Batch = ReturnType<typeof follow> extends AsyncGenerator<infer B> ? B : never;

let nodes: LocalNodes;
let redis: Redis;
beforeAll(async () => {
  nodes = await startNodes(1);
  redis = new Redis(url());
});
afterAll(async () => {
  redis.disconnect();
  await nodes.stop();
});

const url = (): string => nodes.urls[0] ?? '';

/** A follower that keeps what it was given, until it is disposed of. */
class Follower implements AsyncDisposable {
  readonly batches: Batch[] = [];
  readonly #abort = new AbortController();
  readonly #ended: Promise<void>;

  constructor(streams: readonly string[], options: Partial<Options> = {}) {
    const following = follow({
      connection: connect(url(), { alone: true }),
      clock: systemClock,
      streams,
      from: streams.map(() => '0-0'),
      signal: this.#abort.signal,
      ...options,
    });
    this.#ended = (async () => {
      for await (const batch of following) this.batches.push(batch);
    })();
  }

  get entries(): readonly StreamEntry[] {
    return this.batches.flatMap(({ entries }) => entries);
  }

  get ids(): readonly string[] {
    return this.entries.map(([id]) => id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#ended;
  }
}

const clients = async (word: string): Promise<number> => {
  const list = String(await redis.call('CLIENT', 'LIST', 'TYPE', 'normal'));
  return list.split('\n').filter((line) => line.includes(word)).length;
};

/** Resolves when a follower waits for what is to come, and nobody else does. */
const waiting = (): Promise<void> => expect.poll(() => clients('cmd=xread'), { timeout: 20_000 }).toBe(1);

const add = async (stream: string, ...ids: readonly string[]): Promise<void> => {
  for (const id of ids) await redis.xadd(stream, id, 'n', id);
};

const within = { timeout: 20_000 };

describe('a follower', () => {
  it('is given what is there and what comes, with its fields', async () => {
    await add('plain', '1-0', '2-0');
    await using follower = new Follower(['plain']);
    await waiting();
    await add('plain', '3-0');
    await expect.poll(() => follower.ids, within).toEqual(['1-0', '2-0', '3-0']);
    expect(follower.entries[2]).toEqual(['3-0', ['n', '3-0']]);
    expect(follower.batches.at(-1)?.places).toEqual(['3-0']);
  });

  it('begins where it is told, when that is known', async () => {
    await add('place', '1-0', '2-0', '3-0');
    let asked = 0;
    const from = async (): Promise<string[]> => {
      asked += 1;
      if (asked === 1) throw new Error('not now');
      return ['2-0'];
    };
    await using follower = new Follower(['place'], { from });
    await expect.poll(() => follower.ids, within).toEqual(['3-0']);
    expect(asked).toBe(2);
  });

  it('is given several streams in the order of their ids, each entry once, however little a read brings', async () => {
    const ids = Array.from({ length: 40 }, (_, index) => `${index + 1}-${index % 3}`);
    const even = ids.filter((_, index) => index % 4 === 0);
    const odd = ids.filter((_, index) => index % 4 !== 0);
    await add('one', ...even);
    await add('other', ...odd);
    await using follower = new Follower(['one', 'other'], { most: 3 });
    await expect.poll(() => follower.ids.length, within).toBe(40);
    expect(follower.ids).toEqual([...ids].sort(compareIds));
    expect(follower.batches.at(-1)?.places).toEqual([even.at(-1), odd.at(-1)]);
  });

  it('goes on from where it was when its connection is cut, and when the server was away', async () => {
    await using follower = new Follower(['cut']);
    await waiting();
    await add('cut', '1-0');
    await expect.poll(() => follower.ids, within).toEqual(['1-0']);
    await waiting();
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await add('cut', '2-0');
    await expect.poll(() => follower.ids, within).toEqual(['1-0', '2-0']);
    await nodes.nodes[0]?.restart();
    await expect.poll(() => redis.ping().catch(() => ''), within).toBe('PONG');
    await add('cut', '3-0');
    await expect.poll(() => follower.ids, within).toEqual(['1-0', '2-0', '3-0']);
  });

  it('ends at once when its signal aborts, and leaves no connection', async () => {
    const before = await clients('cmd=');
    {
      await using _ = new Follower(['ended']);
      await waiting();
    }
    await expect.poll(() => clients('cmd='), within).toBe(before);
    await using already = new Follower(['ended'], { signal: AbortSignal.abort() });
    expect(already.batches).toEqual([]);
  });

  it('reads through a client of version 3 of the protocol', async () => {
    await add('three', '1-0');
    const client = createClient({ url: url(), RESP: 3 });
    await client.connect();
    {
      const connection = connect(client as never, { alone: true });
      await using follower = new Follower(['three'], { connection });
      await expect.poll(() => follower.ids, within).toEqual(['1-0']);
    }
    await client.close();
  });
});
