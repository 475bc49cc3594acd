/** What a lane lets itself be given to follow, what ends a follower, and what it goes on after. */
import { StaleTokenError } from '@holdfast/fence';
import { AbortedError, MisuseError, systemClock, type TokenHolder, UnavailableError } from '@holdfast/kernel';
import { createLocks } from '@holdfast/lock';
import { describe, expect, it, vi } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { SourceError, SourceLostError } from '../src/errors.js';
import { createFeatures, type Features } from '../src/features.js';
import type { FollowLaneOptions } from '../src/lane/following.js';
import type { Lane, ParseRecord } from '../src/lane/lane.js';
import type { LaneRow } from '../src/lane/row.js';
import { redisStream } from '../src/source/redis-stream.js';
import type { Source } from '../src/source/source.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();

const fields = { n: t.int() };
const last = view('last', { entity: entity('user'), fields });
type Row = LaneRow<ReturnType<typeof entity>, typeof fields>;

async function storeOf(): Promise<Features> {
  const store = createFeatures({ redis: url(), name: 'shop', views: [last], partitions: 4 });
  later(() => store.close());
  await store.apply();
  return store;
}

const holderOf = (token: number, parts: Partial<TokenHolder> = {}): TokenHolder => ({
  ...{ token, resource: 'clicks', issuer: 'locks', signal: new AbortController().signal },
  ...parts,
});

const open = async (store?: Features, token = 7): Promise<Lane<Row>> =>
  (await (store ?? (await storeOf())).open(last, {
    lane: 'stream',
    holder: holderOf(token),
    renew: () => Promise.resolve(),
  })) as Lane<Row>;

const NOW = Date.now();
const rowOf = (n: number): Row => ({ id: `u${n}`, time: NOW + n, values: { n } });
const parse: ParseRecord<Row> = (value) => rowOf(Number((value as { n: string }).n));
const source = (...streams: string[]): Source =>
  redisStream({ redis: url(), streams: streams.length > 0 ? streams : ['clicks'], most: 50 });

async function fill(from: number, to: number, stream = 'clicks'): Promise<void> {
  const pipeline = client().pipeline();
  for (let n = from; n < to; n += 1) pipeline.xadd(stream, `${n + 1}-0`, 'n', String(n));
  await pipeline.exec();
}

const until = (lane: Lane<Row>, accepted: number): Promise<void> =>
  vi.waitFor(() => expect(lane.stats().accepted).toBe(accepted), 20_000);

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'none',
    (error: unknown) => error,
  );

describe('rows with a source and rows without', () => {
  it('do not land in one lane, because what another generation lacks is judged by offsets', async () => {
    const store = await storeOf();
    const lane = await open(store);
    lane.follow(source(), parse);
    await expect(lane.land([rowOf(1)])).rejects.toThrow(/"stream" follows a source.*open another lane/);
    const pushed = await store.open(last, { holder: holderOf(7) });
    await pushed.land([rowOf(1)]);
    expect(() => pushed.follow(source(), parse)).toThrow(/landed in the lane "batch" without a source/);
  });

  it('nor in a lane that is opened again', async () => {
    const store = await storeOf();
    await fill(0, 9);
    const lane = await open(store);
    const follower = lane.follow(source(), parse);
    await until(lane, 9);
    await follower.stop();
    await expect((await open(store)).land([rowOf(1)])).rejects.toThrow(MisuseError);
    const pushed = await store.open(last, { holder: holderOf(7) });
    await pushed.land([11, 12, 13, 14, 15, 16, 17, 18].map(rowOf));
    const again = await store.open(last, { holder: holderOf(8) });
    await expect(again.follow(source(), parse).done()).rejects.toThrow(
      /landed in the lane "batch".*without a source/,
    );
  });
});

describe('what cannot be followed is refused at once', () => {
  it('a missing parse, an unknown option, something that is no source, a second source', async () => {
    const lane = await open();
    const follow = lane.follow.bind(lane) as (...args: unknown[]) => unknown;
    expect(() => follow(source())).toThrow(/second argument of follow\(\) is a function/);
    expect(() => follow(source(), parse, { onUnreadble: () => {} })).toThrow(/no option "onUnreadble"/);
    expect(() => follow(source(), parse, { hold: 'x' })).toThrow(/hold is a function/);
    expect(() => follow({}, parse)).toThrow(MisuseError);
    expect(() => follow({ ...source(), nameOf() {}, extent() {}, read() {}, partitions: [] }, parse)).toThrow(
      /partitions of a source/,
    );
    const first = lane.follow(source(), parse);
    expect(() => lane.follow(source('orders'), parse)).toThrow(/follows a source already/);
    await first.stop();
    await lane.follow(source(), parse).stop();
  });

  it('another stream in the place of the one that the offsets are of', async () => {
    const store = await storeOf();
    await fill(0, 5, 'a');
    await fill(5, 9, 'b');
    const lane = await open(store);
    const follower = lane.follow(source('a', 'b'), parse);
    await until(lane, 9);
    await follower.stop();
    const next = await open(store, 8);
    await expect(next.follow(source('b', 'a'), parse).done()).rejects.toThrow(
      /follows a as partition 0 of its source, not b/,
    );
    await next.follow(source('a', 'b'), parse).stop();
  });

  it('a holder that is none', async () => {
    const lane = await open();
    const hold = (() => ({ token: 1 })) as unknown as NonNullable<FollowLaneOptions['hold']>;
    await expect(lane.follow(source(), parse, { hold }).done()).rejects.toThrow(MisuseError);
  });
});

describe('records', () => {
  it('may be read by a function that returns a promise', async () => {
    await fill(0, 20);
    const lane = await open();
    const follower = lane.follow(source(), async (value, record) => {
      await Promise.resolve();
      if (record.offset[0] === 3) throw new Error('no');
      return parse(value, record) as Row;
    });
    await until(lane, 19);
    await follower.stop();
    expect(lane.stats()).toMatchObject({ refused: 1, reasons: { parse: 1 } });
  });

  it('that become more rows than one call carries are left out, and nothing is tried for ever', async () => {
    await fill(0, 3);
    const lane = await open();
    const told: string[] = [];
    const follower = lane.follow(
      source(),
      (_, { offset: [high] }) => Array.from({ length: high === 2 ? 1_001 : 1_000 }, (__, n) => rowOf(n)),
      { onUnreadable: (error) => told.push(String(error)) },
    );
    await until(lane, 2_000);
    await follower.stop();
    expect(told).toEqual([expect.stringMatching(/at most 1000 rows or events.*got 1001/)]);
  });

  it('are gone on with where whoever is told of a bad one throws', async () => {
    await fill(0, 9);
    const lane = await open();
    const onUnreadable = vi.fn(() => {
      throw new Error('told');
    });
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    later(() => warned.mockRestore());
    lane.follow(
      source(),
      (value, record) => {
        if (record.offset[0] === 4) throw new Error('no');
        return parse(value, record);
      },
      { onUnreadable },
    );
    await until(lane, 8);
    expect(onUnreadable).toHaveBeenCalledTimes(1);
    expect(warned).toHaveBeenCalledWith('told', 'HoldfastFeaturesWarning');
  });
});

describe('dead letters', () => {
  const bad: ParseRecord<Row> = (value, record) => {
    if (record.offset[0] % 10 === 0) throw new Error(`no ${record.offset[0]}`);
    return parse(value, record);
  };

  it('keep what cannot be read, each once, whoever reads it again', async () => {
    const store = await storeOf();
    await fill(0, 100);
    const lane = await open(store);
    const follower = lane.follow(source(), bad);
    await until(lane, 90);
    await follower.stop();
    const record = '{feat:shop.1}:record';
    await client().hset(record, 'offset:last.1-0:stream:0', '35 0');
    const again = await open(store, 8);
    const onUnreadable = vi.fn();
    await fill(100, 110);
    const next = again.follow(source(), bad, { onUnreadable });
    await vi.waitFor(() => expect(next.partitions[0]?.through).toEqual([110, 0]), 20_000);
    await next.stop();
    expect(onUnreadable).toHaveBeenCalledTimes(1);
    const letters = await store.deadLetters(last);
    expect(letters.map(({ offset }) => offset[0])).toEqual([110, 100, 90, 80, 70, 60, 50, 40, 30, 20, 10]);
    expect(letters[0]).toMatchObject({ lane: 'stream', generation: '1-0', partition: 0, error: 'no 110' });
    expect(JSON.parse(letters[0]?.value ?? '')).toEqual({ n: '109' });
    expect(await store.deadLetters(last, { most: 2 })).toHaveLength(2);
    expect(await store.deadLetters(last, { lane: 'batch' })).toEqual([]);
    expect(await client().hget('{feat:shop.0}:record', 'refused:last.1-0:d')).toBe('11');
  });

  it('are kept before the offset goes past them, only the latest, and none if that is wanted', async () => {
    const store = await storeOf();
    await fill(0, 100);
    const lane = await open(store);
    const follower = lane.follow(source(), bad, { deadLetters: 3 });
    await until(lane, 90);
    expect((await store.deadLetters(last)).map(({ offset }) => offset[0])).toEqual([100, 90, 80]);
    await follower.stop();
    const other = await store.open(last, { lane: 'backfill', holder: holderOf(7) });
    const none = other.follow(source(), bad, { deadLetters: 0 });
    await vi.waitFor(() => expect(other.stats().refused).toBe(10), 20_000);
    await none.stop();
    expect(await store.deadLetters(last, { lane: 'backfill' })).toEqual([]);
  });
});

describe('a source that loses records while it is followed', () => {
  /** Follows 50 records, and holds the last of them back until `go` is called. */
  async function held() {
    await fill(0, 50);
    const lane = await open();
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const reached = vi.fn();
    const follower = lane.follow(source(), async (value, record) => {
      if (record.offset[0] === 50) {
        reached();
        await gate;
      }
      return parse(value, record) as Row;
    });
    await vi.waitFor(() => expect(reached).toHaveBeenCalled(), 20_000);
    return { follower, go };
  }

  it('because it is trimmed ends the follower', async () => {
    const { follower, go } = await held();
    await fill(50, 150);
    await client().xtrim('clicks', 'MINID', '120-0');
    go();
    await expect(follower.done()).rejects.toThrow(SourceLostError);
    await expect(follower.done()).rejects.toThrow(/records through 119 \d+ are gone/);
  });

  it('because it was made anew ends the follower', async () => {
    const { follower, go } = await held();
    await client().del('clicks');
    await fill(200, 220);
    go();
    await expect(follower.done()).rejects.toThrow(SourceLostError);
  });
});

describe('failures', () => {
  it('of a source that is no stream, or that is wrong itself, end the follower', async () => {
    await client().set('clicks', 'x');
    const store = await storeOf();
    const follower = (await open(store)).follow(source(), parse);
    await expect(follower.done()).rejects.toThrow(/"clicks" cannot be read as a stream.\n.*WRONGTYPE/);
    const broken: Source = {
      ...{ name: 'mine', partitions: [0], nameOf: () => 'mine' },
      extent: () => Promise.resolve(undefined),
      // biome-ignore lint/correctness/useYield: it fails before it has anything
      async *read() {
        throw new TypeError('a bug');
      },
    };
    const own = await store.open(last, { lane: 'backfill', holder: holderOf(7) });
    const failed = await failure(own.follow(broken, parse).done());
    expect(failed).toBeInstanceOf(SourceError);
    expect(failed).toMatchObject({ lane: 'backfill', source: 'mine', partition: 0 });
    expect(String(failed)).toMatch(/failed: a bug/);
  });

  it('of a key of the store that is something else end the follower', async () => {
    const store = await storeOf();
    await fill(0, 5);
    for (let partition = 0; partition < 4; partition += 1)
      await client().set(`{feat:shop.${partition}}:log`, 'x');
    const follower = (await open(store).catch((error: unknown) => error)) as Lane<Row>;
    const ended =
      follower instanceof Error ? follower : await failure(follower.follow(source(), parse).done());
    expect(ended).toBeInstanceOf(MisuseError);
    expect(String(ended)).toMatch(/not what the store keeps there/);
  });

  it('of a server that is away are told, and the follower goes on once it is there', async () => {
    const lane = await open();
    let isAway = true;
    const away: Source = {
      ...source(),
      ...{ name: 'clicks', partitions: [0], nameOf: () => 'clicks' },
      extent: () => (isAway ? Promise.reject(new UnavailableError('away', [])) : Promise.resolve(undefined)),
      async *read() {
        yield { records: [{ offset: [1, 0], value: { n: '1' } }], through: [1, 0] };
      },
    };
    const follower = lane.follow(away, parse);
    await vi.waitFor(() => expect(follower.problem).toBe('away'), 20_000);
    isAway = false;
    await follower.done();
    expect(follower.problem).toBeUndefined();
    expect(lane.stats().accepted).toBe(1);
  });
});

describe('closing', () => {
  it('lands what was read, and then answers that the lane is closed', async () => {
    await fill(0, 200);
    const store = await storeOf();
    const lane = await open(store);
    const follower = lane.follow(source(), parse);
    await until(lane, 200);
    await lane.close();
    await follower.done().catch(() => {});
    expect(await client().hget('{feat:shop.0}:record', 'offset:last.1-0:stream:0')).toBe('200 0');
    await expect(lane.land([rowOf(1)])).rejects.toThrow(MisuseError);
    expect(() => lane.follow(source(), parse)).toThrow(MisuseError);
  });

  it('answers rows that are on their way, and takes no more', async () => {
    const store = await storeOf();
    const lane = await store.open(last, { holder: holderOf(7) });
    const landing = lane.land(Array.from({ length: 3_000 }, (_, n) => rowOf(n)));
    const closing = lane.close();
    await expect(lane.land([rowOf(1)])).rejects.toThrow(/"batch".*is closed/);
    await closing;
    expect((await landing).outcomes.every((each) => each === 'accepted')).toBe(true);
  });

  it('of the store ends its lanes and followers with an AbortedError', async () => {
    const store = await storeOf();
    const lane = await open(store);
    const follower = lane.follow(source(), parse);
    await store.close();
    await expect(follower.done()).rejects.toThrow(AbortedError);
    await expect(lane.land([rowOf(1)])).rejects.toThrow(MisuseError);
  });

  it('gives up when the signal aborts', async () => {
    await fill(0, 1);
    const lane = await open();
    const reached = vi.fn();
    const never = new Promise<Row>(() => {});
    const follower = lane.follow(source(), () => {
      reached();
      return never;
    });
    await vi.waitFor(() => expect(reached).toHaveBeenCalled(), 20_000);
    const stopping = follower.stop({ signal: AbortSignal.abort() });
    await expect(stopping).rejects.toThrow(AbortedError);
  });
});

describe('a lane that several processes share', () => {
  it('has a holder for each partition, who loses only that one', async () => {
    const streams = ['a', 'b', 'c', 'd'];
    const [one, two] = [await storeOf(), await storeOf()];
    const locks = createLocks({ nodes: [url()], clock: systemClock });
    later(() => locks.close());
    await locks.initialize();
    for (const each of streams) await fill(0, 10, each);
    /** Each process may have so many. */
    const holding = (most: number): NonNullable<FollowLaneOptions['hold']> => {
      let held = 0;
      return async (name, { signal }) => {
        while (held >= most) await new Promise((_, reject) => signal.addEventListener('abort', reject));
        held += 1;
        return locks.acquire(name, { ttl: 2_000, wait: 60_000, signal });
      };
    };
    const share = async (store: Features, most: number) => {
      const lane = (await store.open(last, { lane: 'stream', shared: true })) as Lane<Row>;
      return { lane, follower: lane.follow(source(...streams), parse, { hold: holding(most) }) };
    };
    const first = await share(one, 2);
    await until(first.lane, 20);
    const second = await share(two, 4);
    await until(second.lane, 20);
    await expect(second.lane.land([rowOf(1)])).rejects.toThrow(/is shared/);
    await first.follower.stop();
    for (const each of streams) await fill(10, 15, each);
    await until(second.lane, 40);
    // Whoever opens the lane as a whole deposes all.
    await two.open(last, { lane: 'stream', holder: holderOf(9) });
    for (const each of streams) await fill(15, 16, each);
    await expect(second.follower.done()).rejects.toThrow(StaleTokenError);
  });

  it('needs a holder for each', async () => {
    const store = await storeOf();
    const lane = await store.open(last, { lane: 'stream', shared: true });
    expect(() => lane.follow(source(), parse)).toThrow(/give "hold" to follow/);
    const both = { lane: 'stream', shared: true, holder: holderOf(7) };
    await expect(store.open(last, both)).rejects.toThrow(/so it has no holder/);
  });
});
