/** The verbs of a partition and of the catalog, on a real Redis: what each does, what it refuses, and in which order. */
import { MisuseError } from '@holdfast/kernel';
import { describe, expect, it, vi } from 'vitest';
import { Catalog, type Pointers } from '../src/store/catalog.js';
import type { Partition } from '../src/store/partition.js';
import { scripts } from '../src/store/scripts.js';
import type { LandRequest, OpenRequest } from '../src/store/verbs.js';
import { NOW, type RowParts, row } from './rows.js';
import { client, node, openParts, placeOf, useRedis } from './setting.js';

useRedis();

const GENERATION = 'profile.1-0';
const openOf = (request: Partial<OpenRequest> = {}): OpenRequest => ({
  ...{ generation: GENERATION, lane: 'batch', source: '', token: 7, issuer: 'locks', renewed: '', seen: '' },
  isNew: true,
  ...request,
});

async function opened(partition: Partition, request: Partial<OpenRequest> = {}): Promise<string> {
  const reply = await partition.call(partition.verbs.open, openOf(request));
  if (reply.word !== 'opened') throw new Error(`not opened: ${reply.word} ${reply.detail}`);
  return reply.mark;
}

const landOf = (mark: string, rows: readonly Buffer[], request: Partial<LandRequest> = {}): LandRequest => ({
  ...{ generation: GENERATION, lane: 'batch', mark, source: '', sourceMark: '', after: '', through: '' },
  ...{ ahead: 300e6, history: true, parts: ['user'], rows, ids: rows.map((_, index) => `u${index}`) },
  ...request,
});

async function verdicts(
  partition: Partition,
  mark: string,
  rows: readonly Buffer[],
  request: Partial<LandRequest> = {},
): Promise<string> {
  const reply = await partition.call(partition.verbs.land, landOf(mark, rows, request));
  return reply.word === 'landed' ? reply.verdicts : `${reply.word} ${reply.detail}`.trim();
}

const one = (): Partition => openParts().partitions[0] as Partition;

const stored = (id = 'u0'): Promise<Buffer | null> => client().getBuffer(`{feat:shop.0}:${GENERATION}:${id}`);

/** "<id> <row>" of each entry of the log that has rows. */
async function logged(): Promise<string[]> {
  const entries = await client().xrangeBuffer('{feat:shop.0}:log', '-', '+');
  return entries.flatMap(([, fields]) =>
    fields.flatMap((field, place) =>
      place % 2 === 0 && field.includes(GENERATION)
        ? [`${String(field).split(':').at(-1)} ${fields[place + 1]?.readDoubleLE(8)}`]
        : [],
    ),
  );
}

/** As if a server with another name had the same data. */
const becomeAnother = () => client().hset('{feat:shop.0}:record', 'server', 'another');

describe('the scripts', () => {
  it('are one library, which a server takes', async () => {
    const library = scripts[0]?.library;
    expect(await client().call('FUNCTION', 'LOAD', 'REPLACE', library?.text ?? '')).toBe(library?.name);
  });
});

describe('land', () => {
  it('stores rows as the bytes that they are, counts them, and logs them once', async () => {
    const partition = one();
    const mark = await opened(partition);
    const rows = [row({}), row({ check: 0xffffffff, time: NOW + 5 })];
    expect(await verdicts(partition, mark, rows)).toBe('aa');
    expect(await stored()).toEqual(rows[0]);
    expect(await logged()).toEqual([`u0 ${NOW}`, `u1 ${NOW + 5}`]);
    expect(await client().hmget('{feat:shop.0}:record', `rows:${GENERATION}`, `sum:${GENERATION}`)).toEqual([
      '2',
      '4', // 5 + 0xffffffff, modulo 2^32
    ]);
  });

  it('takes the replaced row out of the sum, and does not count it again', async () => {
    const partition = one();
    const mark = await opened(partition);
    await verdicts(partition, mark, [row({ check: 100 })]);
    await verdicts(partition, mark, [row({ check: 3, time: NOW + 1 })]);
    expect(await client().hmget('{feat:shop.0}:record', `rows:${GENERATION}`, `sum:${GENERATION}`)).toEqual([
      '1',
      '3',
    ]);
  });

  it('refuses an older row, and keeps it out of the log; also within one call', async () => {
    const partition = one();
    const mark = await opened(partition);
    await verdicts(partition, mark, [row({ time: NOW })]);
    expect(await verdicts(partition, mark, [row({ time: NOW - 1, sequence: 2 })])).toBe('o');
    const ids = { ids: ['u5', 'u5', 'u5'] };
    const three = [row({ time: NOW + 2 }), row({ time: NOW + 1 }), row({ time: NOW + 3 })];
    expect(await verdicts(partition, mark, three, ids)).toBe('aoa');
    expect((await stored('u5'))?.readDoubleLE(8)).toBe(NOW + 3);
    expect(await logged()).toEqual([`u0 ${NOW}`, `u5 ${NOW + 2}`, `u5 ${NOW + 3}`]);
    expect(await client().hget('{feat:shop.0}:record', `refused:${GENERATION}:o`)).toBe('2');
  });

  it.each<[string, RowParts, RowParts, string]>([
    ['the higher rank wins', { rank: 1 }, { rank: 2 }, 'a'],
    ['the lower rank loses, whatever its token', { rank: 2 }, { rank: 1, sequence: 9 }, 'e'],
    ['of one source partition, the higher turn wins', { turn: 0 }, { turn: 1 }, 'a'],
    [
      'of one source partition, the lower turn loses',
      { turn: 1, sequence: 1 },
      { turn: 0, sequence: 9 },
      'e',
    ],
    ['the higher sequence wins', { sequence: 1 }, { sequence: 2 }, 'a'],
    ['the lower sequence loses', { sequence: 2 }, { sequence: 1 }, 'e'],
    [
      'of two source partitions, the one that arrives later wins',
      { source: 1, sequence: 9 },
      { source: 2 },
      'a',
    ],
    ['the same row is already there', { sequence: 3 }, { sequence: 3 }, 's'],
  ])('of rows with one event time, %s', async (_, before, after, verdict) => {
    const partition = one();
    const mark = await opened(partition);
    expect(await verdicts(partition, mark, [row(before)])).toBe('a');
    expect(await verdicts(partition, mark, [row(after)])).toBe(verdict);
    expect(await stored()).toEqual(row(verdict === 'a' ? after : before));
  });

  it.each<[string, RowParts]>([
    ['an event time in the future', { time: NOW + 3_600e6 }],
    ['an event time that is no number', { time: Number.NaN }],
    ['a negative event time', { time: -1 }],
    ['an event time of half a microsecond', { time: NOW + 0.5 }],
    ['a token that is not the lane’s', { token: 8 }],
    ['a token that is no number', { token: Number.NaN }],
    ['a sequence that is no number', { sequence: Number.NaN }],
    ['a sequence that is not exact', { sequence: 2 ** 53 }],
  ])('%s refuses that row alone', async (_, wrong) => {
    const partition = one();
    const mark = await opened(partition);
    expect(await verdicts(partition, mark, [row({}), row(wrong), row({})])).toBe('afa');
    expect(await stored('u1')).toBeNull();
    expect(await logged()).toEqual([`u0 ${NOW}`, `u2 ${NOW}`]);
  });

  it('writes nothing at all where the log refuses the entry', async () => {
    const partition = one();
    const mark = await opened(partition);
    await client().del('{feat:shop.0}:log');
    await client().set('{feat:shop.0}:log', 'no stream');
    const before = await client().hgetall('{feat:shop.0}:record');
    await expect(verdicts(partition, mark, [row({})])).rejects.toThrow('WRONGTYPE');
    expect(await stored()).toBeNull();
    expect(await client().hgetall('{feat:shop.0}:record')).toEqual(before);
  });

  it('places only rise, also where the clock is behind the last one', async () => {
    const partition = one();
    const mark = await opened(partition);
    const epoch = mark.split(' ')[3];
    const ahead = NOW + 60e6;
    await client().set('{feat:shop.0}:at', `${epoch} ${ahead}`);
    const reply = await partition.call(partition.verbs.land, landOf(mark, [row({})]));
    expect(reply).toMatchObject({ place: `${epoch} ${ahead + 1}` });
    const [last] = await client().xrevrange('{feat:shop.0}:log', '+', '-', 'COUNT', 1);
    expect(last?.[0]).toBe(`${Math.floor((ahead + 1) / 1_000)}-${(ahead + 1) % 1_000}`);
    expect(last?.[1].slice(0, 1)).toEqual(['time']);
  });
});

describe('the owner of a lane', () => {
  it('a lower token opens nothing, and lands nothing once a higher one has opened', async () => {
    const partition = one();
    const old = await opened(partition, { token: 7 });
    const mark = await opened(partition, { token: 8 });
    expect(await verdicts(partition, old, [row({ token: 7 })])).toBe(`stale ${mark}`);
    expect(await stored()).toBeNull();
    expect(await partition.call(partition.verbs.open, openOf({ token: 7 }))).toEqual({
      word: 'stale',
      detail: mark,
    });
    expect(await verdicts(partition, mark, [row({ token: 8 })])).toBe('a');
  });

  it('who opens it again under the same token replaces the earlier instance', async () => {
    const partition = one();
    const first = await opened(partition);
    const second = await opened(partition);
    expect(await verdicts(partition, first, [row({})])).toBe(`stale ${second}`);
    expect(await verdicts(partition, second, [row({})])).toBe('a');
  });

  it('lanes, generations and source partitions have owners of their own', async () => {
    const partition = one();
    const batch = await opened(partition, { token: 7 });
    await opened(partition, { token: 9, lane: 'stream' });
    await opened(partition, { token: 9, generation: 'profile.2-9' });
    expect(await verdicts(partition, batch, [row({})])).toBe('a');
  });

  it('who opens the lane as a whole deposes who holds a source partition of it', async () => {
    const partition = one();
    const mark = await opened(partition);
    const sourceMark = await opened(partition, { source: '0' });
    const next = { source: '0', sourceMark, after: '-1 0', through: '0 5' };
    expect(await verdicts(partition, mark, [row({})], next)).toBe('a');
    const whole = await opened(partition, { token: 8 });
    const later = { ...next, after: '0 5', through: '0 6' };
    expect(await verdicts(partition, mark, [row({})], later)).toBe(`stale ${whole}`);
    // A higher token of one source partition leaves the others alone.
    const other = await opened(partition, { source: '1', token: 8 });
    expect(
      await verdicts(partition, whole, [row({ token: 8 })], { ...next, source: '1', sourceMark: other }),
    ).toBe('a');
  });

  it('another issuer takes over only from the mark that it saw, and has the next turn', async () => {
    const partition = one();
    const mark = await opened(partition, { token: 100 });
    const foreign = { token: 3, issuer: 'queue:nightly' };
    expect(await partition.call(partition.verbs.open, openOf(foreign))).toEqual({
      word: 'foreign',
      detail: mark,
    });
    const moved = await opened(partition, { token: 101 });
    expect(await partition.call(partition.verbs.open, openOf({ ...foreign, seen: mark }))).toEqual({
      ...{ word: 'foreign', detail: moved },
    });
    const taken = await opened(partition, { ...foreign, seen: moved });
    expect(taken).toMatch(/^3 1 3 \S+ queue:nightly$/);
    expect(await verdicts(partition, moved, [row({ token: 101 })])).toBe(`stale ${taken}`);
  });

  it('a lane that was never opened is refused, and so is one of a generation that is over', async () => {
    const partition = one();
    const mark = await opened(partition);
    expect(await verdicts(partition, mark, [row({})], { lane: 'stream' })).toBe('unopened');
    await client().hset('{feat:shop.0}:record', `retired:${GENERATION}`, '5');
    expect(await verdicts(partition, mark, [row({})])).toBe('retired');
    expect(await partition.call(partition.verbs.open, openOf())).toEqual({ word: 'retired', detail: '' });
  });
});

describe('offsets', () => {
  const source = { source: '0' };

  it('each step is taken once: repeated what was, and no gap', async () => {
    const partition = one();
    const mark = await opened(partition);
    const sourceMark = await opened(partition, source);
    const step = (after: string, through: string) =>
      verdicts(partition, mark, [row({})], { ...source, sourceMark, after, through });
    expect(await step('0 0', '0 5')).toBe('gap -1 0');
    expect(await step('-1 0', '0 5')).toBe('a');
    expect(await step('-1 0', '0 5')).toBe('repeated 0 5');
    expect(await step('-1 0', '0 4')).toBe('repeated 0 5');
    // It overlaps what was taken in.
    expect(await step('0 3', '0 9')).toBe('gap 0 5');
    expect(await step('0 6', '0 9')).toBe('gap 0 5');
    expect(await step('0 5', '12 0')).toBe('s');
    expect(await step('0 9', '3 99')).toBe('repeated 12 0');
    expect(await partition.call(partition.verbs.open, openOf(source))).toMatchObject({ offset: '12 0' });
  });

  it('those of lanes, views and source partitions are apart', async () => {
    const partition = one();
    const span = { after: '-1 0', through: '0 5' };
    for (const claim of [
      { generation: GENERATION, lane: 'stream', source: '0' },
      { generation: GENERATION, lane: 'stream', source: '1' },
      { generation: GENERATION, lane: 'other', source: '0' },
      { generation: 'clicks.1-0', lane: 'stream', source: '0' },
    ]) {
      const mark = await opened(partition, { ...claim, source: '' });
      const sourceMark = await opened(partition, claim);
      expect(await verdicts(partition, mark, [], { ...claim, ...span, sourceMark })).toBe('');
    }
  });

  it('`tell` moves many at once, each judged by itself', async () => {
    const partition = one();
    const mark = await opened(partition);
    const marks = [await opened(partition, { source: '0' }), await opened(partition, { source: '1' })];
    const claims = marks.map((sourceMark, index) => ({
      ...{ generation: GENERATION, lane: 'batch', mark, source: String(index), sourceMark },
      ...{ after: index === 0 ? '-1 0' : '0 1', through: '0 9' },
    }));
    expect(await partition.call(partition.verbs.tell, claims)).toEqual([
      { word: 'told', detail: '' },
      { word: 'gap', detail: '-1 0' },
    ]);
    expect(await partition.call(partition.verbs.open, openOf({ source: '0' }))).toMatchObject({
      offset: '0 9',
    });
    expect(await partition.call(partition.verbs.tell, claims)).toMatchObject([
      { word: 'taken' },
      { word: 'gap' },
    ]);
  });
});

describe('the order of refusals', () => {
  it('is forgot, retired, stale, repeated, closed, gap', async () => {
    const partition = one();
    const record = '{feat:shop.0}:record';
    const old = await opened(partition);
    const source = { source: '0', sourceMark: await opened(partition, { source: '0' }) };
    await verdicts(partition, old, [], { ...source, after: '-1 0', through: '0 5' });
    const mark = await opened(partition);
    await client().hset(record, `closed:${GENERATION}`, '4');
    await client().hset(record, `retired:${GENERATION}`, '5');
    const epoch = mark.split(' ')[3] as string;
    const other = '9.another';
    const repeated = { ...source, after: '-1 0', through: '0 5' };
    const gap = { ...source, after: '0 7', through: '0 9' };
    await client().hset(record, 'epoch', other);
    expect(await verdicts(partition, old, [], repeated)).toBe(`forgot ${other}`);
    await client().hset(record, 'epoch', epoch);
    expect(await verdicts(partition, old, [], repeated)).toBe('retired');
    await client().hdel(record, `retired:${GENERATION}`);
    expect(await verdicts(partition, old, [], repeated)).toBe(`stale ${mark}`);
    expect(await verdicts(partition, mark, [], repeated)).toBe('repeated 0 5');
    expect(await verdicts(partition, mark, [], gap)).toBe('closed 4');
    expect(await partition.call(partition.verbs.open, openOf())).toEqual({ word: 'closed', detail: '4' });
    await client().hdel(record, `closed:${GENERATION}`);
    expect(await verdicts(partition, mark, [], gap)).toBe('gap 0 5');
  });
});

describe('a server that may have forgotten', () => {
  it('begins an epoch, in which each holder must renew its right before it opens', async () => {
    const partition = one();
    const mark = await opened(partition);
    await verdicts(partition, mark, [row({})]);
    const { place } = await partition.call(partition.verbs.peek, { keys: [] });
    await becomeAnother();
    const reply = await verdicts(partition, mark, [row({ sequence: 2 })]);
    expect(reply).toMatch(/^forgot /);
    const forgot = reply.slice(7);
    expect(forgot).toMatch(/^2\./);
    // Who has not renewed its right since is asked to, and so is the second holder.
    for (const lane of ['batch', 'stream'])
      expect(await partition.call(partition.verbs.open, openOf({ lane }))).toEqual({
        word: 'forgot',
        detail: forgot,
      });
    expect(await partition.call(partition.verbs.open, openOf({ renewed: '1.old' }))).toMatchObject({
      word: 'forgot',
    });
    const renewed = await opened(partition, { renewed: forgot, token: 8 });
    expect(await verdicts(partition, renewed, [row({ token: 8, time: NOW + 1 })])).toBe('a');
    // A mark of the earlier epoch still deposes a lower token.
    expect(await partition.call(partition.verbs.open, openOf({ renewed: forgot, token: 7 }))).toMatchObject({
      word: 'stale',
    });
    const entries = await client().xrange('{feat:shop.0}:log', '-', '+');
    const reset = entries.map(([, fields]) => fields).filter(([name]) => name === 'reset');
    expect(reset.at(-1)?.[1]).toBe(`${forgot} ${place.split(' ')[1]} ${place.split(' ')[0]}`);
  });

  it('that has lost everything is another one too, and a lane is opened anew there', async () => {
    const partition = one();
    const mark = await opened(partition);
    await client().flushall();
    await node().restart();
    const again = (): Promise<string> => verdicts(partition, mark, [row({})]);
    const reply = await vi.waitFor(again, { timeout: 20_000, interval: 20 });
    expect(reply).toMatch(/^forgot 1\./);
    expect(reply.slice(7)).not.toBe(mark.split(' ')[3]);
  });

  it('that is emptied while a right is renewed wants another renewal, also where it is the same server', async () => {
    const partition = one();
    const asked = await partition.call(partition.verbs.open, openOf({ isNew: false }));
    const renewed = asked.word === 'forgot' ? asked.detail : '';
    expect(renewed).toMatch(/^1\./);
    expect(await opened(partition, { renewed, token: 8 })).toMatch(/^8 /);
    await client().flushall();
    expect(
      await partition.call(partition.verbs.open, openOf({ renewed, token: 7, isNew: false })),
    ).toMatchObject({
      word: 'forgot',
      detail: expect.not.stringContaining(renewed),
    });
  });

  it('a newer layout is refused, and nothing is touched', async () => {
    const partition = one();
    const mark = await opened(partition);
    await client().hset('{feat:shop.0}:record', 'layout', '2');
    const before = await client().hgetall('{feat:shop.0}:record');
    await expect(verdicts(partition, mark, [row({})])).rejects.toThrow(MisuseError);
    await expect(verdicts(partition, mark, [row({})])).rejects.toThrow(
      /key layout 2.*Update @holdfast\/features/,
    );
    expect(await client().hgetall('{feat:shop.0}:record')).toEqual(before);
  });
});

describe('finish and peek', () => {
  it('the end of a bounded lane is noted with its place', async () => {
    const partition = one();
    const mark = await opened(partition);
    await verdicts(partition, mark, [row({})]);
    const claim = { generation: GENERATION, lane: 'batch', mark, source: '', sourceMark: '' };
    const finished = await partition.call(partition.verbs.finish, claim);
    const { place, rows } = await partition.call(partition.verbs.peek, {
      keys: [partition.keys.row(GENERATION, 'u0'), partition.keys.row(GENERATION, 'none')],
    });
    expect(finished).toEqual({ word: 'finished', place });
    expect(rows).toEqual([row({}), null]);
    await opened(partition, { token: 8 });
    expect(await partition.call(partition.verbs.finish, claim)).toMatchObject({ word: 'stale' });
  });
});

describe('the catalog', () => {
  const definitions = new Map([['profile', '{"a":1}']]);
  const others = new Map([['profile', '{"a":2}']]);

  it('knows nothing before something is applied, and then what is live', async () => {
    const { catalog } = openParts();
    expect(await catalog.pointers(['profile'])).toBeUndefined();
    expect(await catalog.apply(0, definitions)).toBe(true);
    const pointers = await catalog.pointers(['profile', 'none']);
    const applied = pointers?.n ?? Number.NaN;
    // The number of the first change is the time, so that a catalog which forgets does not begin with one that it had given.
    expect(applied).toBeGreaterThan(Date.UTC(2026));
    expect(pointers?.partitions).toBe(2);
    expect([...(pointers?.views ?? [])]).toEqual([['profile', { live: '1-0', applied }]]);
    expect([...(await catalog.definitions(['profile', 'none']))]).toEqual([
      ['profile', { applied, definition: '{"a":1}' }],
    ]);
  });

  it('a change is made only on top of the last one', async () => {
    const { catalog } = openParts();
    await catalog.apply(0, definitions);
    const { n = 0 } = (await catalog.pointers(['profile'])) ?? {};
    expect(await catalog.apply(0, others)).toBe(false);
    expect(await catalog.apply(n, others)).toBe(true);
    const after = (await catalog.pointers(['profile'])) as Pointers;
    expect(after.n).toBeGreaterThan(n);
    expect(after.views.get('profile')).toEqual({ live: '1-0', applied: after.n });
    expect(await client().xlen('{feat:shop}:history')).toBe(2);
  });

  it('refuses a program that counts partitions otherwise', async () => {
    const { catalog } = openParts();
    await catalog.apply(0, definitions);
    const other = new Catalog(placeOf(), openParts(3).partitions);
    await expect(other.pointers(['profile'])).rejects.toThrow(/has 2 partitions, and this program says 3/);
    const { n = 0 } = (await catalog.pointers([])) ?? {};
    await expect(other.apply(n, definitions)).rejects.toThrow(MisuseError);
    other.close();
  });

  it('lanes of a view differ in rank, and keep it', async () => {
    const { catalog } = openParts();
    await catalog.apply(0, definitions);
    await catalog.enter('profile', 'stream', 3);
    await catalog.enter('profile', 'stream', 3);
    await expect(catalog.enter('profile', 'stream', 2)).rejects.toThrow(/"stream".*has rank 3/);
    await expect(catalog.enter('profile', 'batch', 3)).rejects.toThrow(/cannot have that of "stream"/);
    await catalog.enter('clicks', 'batch', 3);
  });

  it('a catalog that was lost takes up what the partitions were told', async () => {
    const { catalog } = openParts();
    await catalog.apply(0, definitions);
    await client().hset('{feat:shop}:catalog', 'live:profile', '4-9', 'live:clicks', '2-3', 'n', '6');
    await client().hset('{feat:shop}:catalog', 'last:profile', '4');
    await catalog.mirror();
    await client().del('{feat:shop}:catalog');
    const again = await catalog.pointers(['profile']);
    expect(again?.n).toBeGreaterThan(7);
    expect(again?.views.get('profile')?.live).toBe('4-9');
    expect(await client().hget('{feat:shop}:catalog', 'live:clicks')).toBe('2-3');
    // A number that a generation has had is not given again.
    expect(await client().hget('{feat:shop}:catalog', 'last:profile')).toBe('4');
  });

  it('on another server, it is asked of the partitions first, and what it knows itself stays', async () => {
    const { catalog } = openParts();
    await catalog.apply(0, definitions);
    await client().hset('{feat:shop}:catalog', 'server', 'another');
    const { applied = 0 } = (await catalog.definitions(['profile'])).get('profile') ?? {};
    const pointers = (await catalog.pointers(['profile'])) as Pointers;
    expect(pointers.n).toBeGreaterThan(applied);
    expect(pointers.views.get('profile')).toEqual({ live: '1-0', applied });
    expect(await catalog.apply(applied, definitions)).toBe(false);
  });
});
