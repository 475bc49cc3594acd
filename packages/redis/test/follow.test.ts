/** Following streams on real servers: what comes, in order; what goes wrong; what was lost. */
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

  get losses(): readonly unknown[] {
    return this.batches.flatMap(({ losses }) => losses.map(({ why, place }) => `${why} ${place}`));
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
    await using follower = new Follower(['cut'], { reportsLosses: true });
    await waiting();
    await add('cut', '1-0');
    await expect.poll(() => follower.ids, within).toEqual(['1-0']);
    await waiting();
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await add('cut', '2-0');
    await expect.poll(() => follower.ids, within).toEqual(['1-0', '2-0']);
    await nodes.nodes[0]?.restart();
    await expect.poll(() => redis.ping().catch(() => ''), within).toBe('PONG');
    // It has forgotten everything: that is another test's.
    await expect.poll(() => follower.losses, within).toEqual(['forgotten 2-0']);
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
      await using follower = new Follower(['three'], { connection, reportsLosses: true });
      await expect.poll(() => follower.ids, within).toEqual(['1-0']);
      await redis.del('three');
      await expect.poll(() => follower.losses, within).toEqual(['forgotten 1-0']);
    }
    await client.close();
  });
});

describe('what a follower has lost', () => {
  const reported = { reportsLosses: true };

  it('is nothing while it keeps up, also from the beginning and with nothing there', async () => {
    await using follower = new Follower(['kept', 'empty'], reported);
    await waiting();
    await add('kept', '1-0', '2-0');
    await expect.poll(() => follower.ids, within).toEqual(['1-0', '2-0']);
    expect(follower.losses).toEqual([]);
  });

  it('is what was trimmed before it came back, known at once and reported once', async () => {
    await add('trimmed', '1-0', '2-0', '3-0', '4-0');
    await redis.xtrim('trimmed', 'MAXLEN', 2);
    await using follower = new Follower(['trimmed'], { ...reported, from: ['1-0'] });
    await expect.poll(() => follower.losses, within).toEqual(['trimmed 1-0']);
    expect(follower.ids).toEqual(['3-0', '4-0']);
    await waiting();
    await add('trimmed', '5-0');
    await expect.poll(() => follower.ids, within).toEqual(['3-0', '4-0', '5-0']);
    expect(follower.losses).toHaveLength(1);
  });

  it('is known where all was trimmed and nothing came, once', async () => {
    await add('emptied', '1-0', '2-0');
    await redis.xtrim('emptied', 'MAXLEN', 0);
    await using follower = new Follower(['emptied'], { ...reported, from: ['1-0'] });
    await expect.poll(() => follower.losses, within).toEqual(['trimmed 1-0']);
    await waiting();
    await add('emptied', '3-0');
    await expect.poll(() => follower.ids, within).toEqual(['3-0']);
    expect(follower.losses).toHaveLength(1);
  });

  it('is what was trimmed while it did something else with the batch before', async () => {
    await add('slow', '1-0');
    const abort = new AbortController();
    const connection = connect(url(), { alone: true });
    const options = {
      connection,
      clock: systemClock,
      streams: ['slow'],
      from: ['0-0'],
      signal: abort.signal,
    };
    const following = follow({ ...options, ...reported });
    expect((await following.next()).value).toMatchObject({ places: ['1-0'], losses: [] });
    await add('slow', '2-0', '3-0', '4-0');
    await redis.xtrim('slow', 'MAXLEN', 1);
    expect((await following.next()).value).toMatchObject({
      places: ['4-0'],
      losses: [{ stream: 'slow', why: 'trimmed', place: '1-0' }],
    });
    abort.abort();
    expect((await following.next()).done).toBe(true);
  });

  it('is a stream that is behind it; the follower goes on from where the stream is', async () => {
    await add('behind', '5-0');
    await using follower = new Follower(['behind'], { ...reported, from: ['9-0'] });
    await expect.poll(() => follower.losses, within).toEqual(['forgotten 9-0']);
    expect(follower.batches[0]?.places).toEqual(['5-0']);
    await waiting();
    await add('behind', '6-0');
    await expect.poll(() => follower.ids, within).toEqual(['6-0']);
    expect(follower.losses).toHaveLength(1);
  });

  it('is an entry that a server has forgotten which gave later ones since', async () => {
    await add('replaced', '1-0', '3-0');
    await using follower = new Follower(['replaced'], { ...reported, from: ['2-0'] });
    await expect.poll(() => follower.losses, within).toEqual(['forgotten 2-0']);
    expect(follower.ids).toEqual(['3-0']);
  });

  it('is a stream that was deleted while it waited; what is added then is given, with lower ids too', async () => {
    await add('deleted', '7-0');
    await using follower = new Follower(['deleted'], reported);
    await expect.poll(() => follower.ids, within).toEqual(['7-0']);
    await waiting();
    await redis.del('deleted');
    await add('deleted', '8-0');
    await expect.poll(() => follower.losses, within).toEqual(['trimmed 7-0']);
    await redis.del('deleted');
    await expect.poll(() => follower.losses, within).toEqual(['trimmed 7-0', 'forgotten 8-0']);
    await add('deleted', '2-0');
    await expect.poll(() => follower.ids, within).toEqual(['7-0', '8-0', '2-0']);
  });
});
