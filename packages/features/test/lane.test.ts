/** Lanes on a real Redis: who may write, what becomes of each row, and what holds a writer up. */
import { IssuerMismatchError, StaleTokenError } from '@holdfast/fence';
import { LeaseLostError, MisuseError, systemClock, systemRandom, type TokenHolder } from '@holdfast/kernel';
import { describe, expect, it, vi } from 'vitest';
import { GenerationEndedError, RowError } from '../src/errors.js';
import { Lane, type LaneOptions } from '../src/lane/lane.js';
import { Ownership, type OwnershipOptions, renewalOf } from '../src/lane/ownership.js';
import { iterable } from '../src/source/iterable.js';
import { Telemetry } from '../src/telemetry.js';
import { NOW, row } from './rows.js';
import { client, node, openParts, useRedis } from './setting.js';

useRedis();

const GENERATION = 'profile.1-0';
const record = (partition: number): string => `{feat:shop.${partition}}:record`;

interface TestRow {
  readonly id: string;
  readonly partition?: number;
  readonly time?: number;
}

const holderOf = (token: number, options: Partial<TokenHolder> = {}): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'locks', signal: new AbortController().signal },
  ...options,
});

const TELEMETRY = new Telemetry('shop', systemClock);

type Options = Partial<OwnershipOptions> & Partial<LaneOptions<TestRow>>;

async function laneOf(options: Options = {}): Promise<Lane<TestRow>> {
  const { partitions } = openParts();
  const holder = options.holder ?? holderOf(7);
  const common = { partitions, generation: GENERATION, lane: 'batch', holder, ...options };
  const ownership = new Ownership({
    telemetry: TELEMETRY,
    ...{ renew: undefined, takeOver: false, source: '', relieve: () => Promise.resolve() },
    ...{ requireDefinition: () => Promise.resolve(), ...common },
  });
  await ownership.open();
  return new Lane({
    ...{
      view: 'profile',
      rank: 1,
      ahead: 300e6,
      parts: ['user'],
      verb: 'land' as const,
      history: true,
      patience: 5_000,
      clock: systemClock,
    },
    random: systemRandom,
    isAwaited: () => Promise.resolve(false),
    ...common,
    telemetry: TELEMETRY,
    ownership,
    encode({ id, partition = 0, time = NOW }) {
      if (id === 'bad') throw new RowError('profile', 'values.age', 'a whole number', 'x');
      return { id, partition, finish: (origin) => row({ ...origin, time }) };
    },
    badTime: ({ time }) => new RowError('profile', 'time', 'at most 5 minutes in the future', time),
  });
}

const rowsOf = (count: number, parts: Partial<TestRow> = {}): TestRow[] =>
  Array.from({ length: count }, (_, index) => ({ id: `u${index}`, partition: index % 2, ...parts }));

describe('landing', () => {
  it('every row has an outcome, in order, whatever partition it went to', async () => {
    const lane = await laneOf();
    await lane.land([{ id: 'u1', time: NOW + 5 }]);
    const rows = [
      { id: 'u0' },
      { id: 'u1' },
      { id: 'bad' },
      { id: 'u2', partition: 1 },
      { id: 'u3', time: NOW + 9e9 },
    ];
    const { outcomes, errors } = await lane.land(rows);
    expect(outcomes).toEqual(['accepted', 'older', 'refused', 'accepted', 'refused']);
    expect([...errors.keys()].sort()).toEqual([2, 4]);
    expect(errors.get(2)?.path).toBe('values.age');
    expect(errors.get(4)?.message).toMatch(/time is at most 5 minutes in the future/);
    expect(lane.stats()).toEqual({
      ...{ accepted: 3, older: 1, equal: 0, erased: 0, refused: 2, inFlight: 0, source: [] },
      reasons: { 'values.age': 1, time: 1 },
    });
  });

  it('of two rows with one event time, the later one of the same lane is a correction', async () => {
    const lane = await laneOf();
    expect((await lane.land([{ id: 'u0' }, { id: 'u0' }])).outcomes).toEqual(['accepted', 'accepted']);
    const again = await laneOf();
    expect((await again.land([{ id: 'u0' }])).outcomes).toEqual(['accepted']);
  });

  it('a lane of lower rank corrects nothing, even with a higher token', async () => {
    const stream = await laneOf({ lane: 'stream', rank: 3 });
    await stream.land([{ id: 'u0' }]);
    const batch = await laneOf({ holder: holderOf(99) });
    expect((await batch.land([{ id: 'u0' }, { id: 'u0', time: NOW + 1 }])).outcomes).toEqual([
      'equal',
      'accepted',
    ]);
  });

  it('carries thousands of rows in few calls, and holds up whoever lands more than may be on the way', async () => {
    const lane = await laneOf();
    await client().config('RESETSTAT');
    const { outcomes } = await lane.land(rowsOf(25_000));
    expect(new Set(outcomes)).toEqual(new Set(['accepted']));
    expect(await client().hget(record(0), `rows:${GENERATION}`)).toBe('12500');
    const calls = /cmdstat_fcall:calls=(\d+)/.exec(await client().info('commandstats'))?.[1];
    expect(Number(calls)).toBeGreaterThanOrEqual(2 * Math.ceil(12_500 / 128));
    expect(Number(calls)).toBeLessThan(400);
  });

  it('lands nothing once it is closed, or once the holder has lost its right', async () => {
    const lane = await laneOf();
    lane.close();
    await expect(lane.land(rowsOf(1))).rejects.toThrow(/"batch".*is closed/);
    const lost = new AbortController();
    const other = await laneOf({ holder: holderOf(8, { signal: lost.signal }) });
    lost.abort(new LeaseLostError('over', { resource: 'profiles', token: 8 }));
    expect(other.signal.aborted).toBe(true);
    await expect(other.land(rowsOf(1))).rejects.toThrow(LeaseLostError);
    expect(await client().exists(record(0))).toBe(1);
    expect(await client().hget(record(0), `rows:${GENERATION}`)).toBeNull();
  });
});

describe('a lane that another holder opens', () => {
  it('is deposed in every partition: nothing more lands, and its signal aborts', async () => {
    const old = await laneOf({ holder: holderOf(7) });
    await laneOf({ holder: holderOf(8) });
    for (const partition of [0, 1]) {
      const failure = await old.land([{ id: 'u', partition }]).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(StaleTokenError);
      expect(failure).toMatchObject({ offered: 7, seen: 8, reason: 'lower' });
    }
    expect(old.signal.reason).toBeInstanceOf(StaleTokenError);
    expect(await client().keys(`*${GENERATION}*`)).toEqual([]);
    await expect(laneOf({ holder: holderOf(7) })).rejects.toThrow(StaleTokenError);
  });

  it('under tokens of another issuer is taken over only if that is said', async () => {
    const old = await laneOf({ holder: holderOf(700) });
    const holder = holderOf(3, { issuer: 'queue:nightly' });
    const refused = await laneOf({ holder }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(IssuerMismatchError);
    expect(refused).toMatchObject({ expected: 'locks', issuer: 'queue:nightly' });
    const taken = await laneOf({ holder, takeOver: true });
    await old.land([{ id: 'u0' }]).catch(() => {});
    expect(old.signal.reason).toBeInstanceOf(StaleTokenError);
    expect((await taken.land([{ id: 'u0' }])).outcomes).toEqual(['accepted']);
  });
});

describe('a lane that is opened again', () => {
  it('has not finished, whatever an earlier run of it had', async () => {
    const lane = await laneOf();
    await lane.finish();
    const finished = (): Promise<string | null> => client().hget(record(1), `finished:${GENERATION}:batch:`);
    expect(await finished()).not.toBeNull();
    await laneOf({ holder: holderOf(8) });
    expect(await finished()).toBeNull();
  });
});

describe('a lane that has finished', () => {
  it('has what was on its way, and lands nothing more before it is opened again', async () => {
    const lane = await laneOf();
    const landing = lane.land(rowsOf(300));
    await lane.finish();
    expect(lane.stats().inFlight).toBe(0);
    expect((await landing).outcomes).toHaveLength(300);
    await expect(lane.land(rowsOf(1))).rejects.toThrow(MisuseError);
    await expect(lane.land(rowsOf(1))).rejects.toThrow(/"batch" was finished.*open it again/);
    expect(() => lane.follow(iterable({ name: 'none', read: () => [] }), () => null)).toThrow(MisuseError);
    await lane.finish();
    expect((await (await laneOf()).land(rowsOf(1))).outcomes).toHaveLength(1);
  });

  it('does not finish while it follows a source', async () => {
    const lane = await laneOf();
    let resolve = (): void => {};
    const end = new Promise<void>((settle) => {
      resolve = settle;
    });
    const read = async function* () {
      await end;
      yield* [];
    };
    const follower = lane.follow(iterable({ name: 'waiting', read }), () => null);
    await expect(lane.finish()).rejects.toThrow(/follows a source, which may have more/);
    resolve();
    await follower.done();
    await lane.finish();
  });
});

describe('a generation that ends', () => {
  it('ends its lanes', async () => {
    const lane = await laneOf();
    await client().hset(record(0), `retired:${GENERATION}`, '5');
    await expect(lane.land([{ id: 'u0' }])).rejects.toThrow(GenerationEndedError);
    expect(lane.signal.reason).toBeInstanceOf(GenerationEndedError);
  });

  it('or is closed for a while: rows wait until it takes them again', async () => {
    const lane = await laneOf();
    await client().hset(record(0), `closed:${GENERATION}`, '5');
    await client().config('RESETSTAT');
    const landing = lane.land([{ id: 'u0' }]);
    await vi.waitFor(
      async () => expect(await client().info('commandstats')).toContain('cmdstat_fcall'),
      20_000,
    );
    await client().hdel(record(0), `closed:${GENERATION}`);
    expect((await landing).outcomes).toEqual(['accepted']);
  });
});

describe('a server that may have forgotten who owns the lane', () => {
  /** As if another server had the same data. */
  const becomeAnother = async (): Promise<void> => {
    for (const partition of [0, 1]) await client().hset(record(partition), 'server', 'another');
  };

  it('has the holder renew its right, and then lands what waited', async () => {
    const renew = vi.fn(() => Promise.resolve());
    const lane = await laneOf({ renew });
    renew.mockClear();
    await becomeAnother();
    expect((await lane.land(rowsOf(4))).outcomes).toEqual(['accepted', 'accepted', 'accepted', 'accepted']);
    expect(renew).toHaveBeenCalled();
  });

  it('keeps out a holder that cannot renew its right', async () => {
    const lost = new AbortController();
    const renew = vi.fn(() => Promise.resolve());
    const lane = await laneOf({ holder: holderOf(7, { signal: lost.signal }), renew });
    renew.mockImplementation(() => Promise.resolve(lost.abort(new Error('the lease ran out'))));
    await becomeAnother();
    await expect(lane.land(rowsOf(1))).rejects.toThrow(/right to profiles has ended|the lease ran out/);
    const without = await laneOf({ lane: 'other' }).catch((error: unknown) => error);
    expect(without).toBeInstanceOf(MisuseError);
    expect(String(without)).toMatch(/may have forgotten.*give "renew"/);
    expect(await client().keys(`*${GENERATION}*`)).toEqual([]);
  });

  it('has each holder renew its right after it was asked, also where a renewal was under way before', async () => {
    const extend = vi.fn(() => Promise.resolve('kept'));
    const holder = { ...holderOf(7), extend };
    const lane = await laneOf({ holder, renew: renewalOf(holder) });
    extend.mockClear();
    await becomeAnother();
    await lane.land([{ id: 'u0' }]);
    expect(extend).toHaveBeenCalledTimes(2);
    await lane.land([{ id: 'u1', partition: 1 }]);
    expect(extend).toHaveBeenCalledTimes(4);
  });

  it('and has forgotten everything: an earlier holder does not come back', async () => {
    const earlier = holderOf(7, { signal: new AbortController().signal });
    const isOver = vi.fn(() => Promise.resolve());
    const before = await laneOf({ holder: earlier, renew: isOver });
    const later = await laneOf({ holder: holderOf(8), renew: () => Promise.resolve() });
    isOver.mockImplementation(() =>
      Promise.reject(new LeaseLostError('It is over.', { resource: 'r', token: 7 })),
    );
    await client().flushall();
    await expect(before.land([{ id: 'u0' }])).rejects.toThrow('It is over.');
    await expect(laneOf({ holder: earlier, renew: isOver })).rejects.toThrow('It is over.');
    expect(await client().keys(`*${GENERATION}*`)).toEqual([]);
    expect((await later.land([{ id: 'u0' }])).outcomes).toEqual(['accepted']);
  });

  it('and has forgotten everything: a holder that cannot renew its right does not go on', async () => {
    const lane = await laneOf({ holder: holderOf(7) });
    await client().flushall();
    await expect(lane.land([{ id: 'u0' }])).rejects.toThrow(/give "renew"/);
  });

  it('and has gone back to an earlier holder of another issuer: whoever took over last takes over again', async () => {
    const renew = (): Promise<void> => Promise.resolve();
    const old = await laneOf({ holder: holderOf(700), renew, takeOver: true });
    const field = `mark:${GENERATION}:batch:`;
    const before = await client().hget(record(0), field);
    const taken = await laneOf({ holder: holderOf(3, { issuer: 'queue:nightly' }), renew, takeOver: true });
    await client().hset(record(0), field, before ?? '');
    await becomeAnother();
    expect((await taken.land([{ id: 'u0' }])).outcomes).toEqual(['accepted']);
    await becomeAnother();
    await expect(old.land([{ id: 'u1', partition: 1 }])).rejects.toThrow(StaleTokenError);
    expect((await taken.land([{ id: 'u1', partition: 1 }])).outcomes).toEqual(['accepted']);
  });

  it('that was away: rows wait for it, and land once', async () => {
    const lane = await laneOf({ renew: () => Promise.resolve() });
    await client().flushall();
    await node().restart();
    const { outcomes } = await lane.land(rowsOf(300));
    expect(new Set(outcomes)).toEqual(new Set(['accepted']));
    expect(await client().hget(record(1), `rows:${GENERATION}`)).toBe('150');
  });
});
