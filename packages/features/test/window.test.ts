/** Windows beside an oracle that keeps every event and counts anew for each value. */
import { entity, RowError, windows } from '@holdfast/features';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Aggregate } from '../src/definition/aggregates.js';
import { estimate } from '../src/window/distinct.js';
import { contributionOf } from '../src/window/events.js';
import { addToRing, emptyRing, readRing, writeRing } from '../src/window/ring.js';
import type { Contribution } from '../src/window/tile.js';
import { windowValues } from '../src/window/values.js';
import { additionsOf } from './additions.js';

const TILE = 1_000;
const Event = z.object({ user: z.string(), at: z.number(), price: z.number(), what: z.string() });
type Event = z.output<typeof Event>;

const price = (e: Event) => e.price;
const clicks = windows('clicks', {
  entity: entity('user'),
  tile: TILE,
  lateness: 3 * TILE,
  ahead: 2 * TILE,
  event: Event,
  key: (e) => e.user,
  time: (e) => e.at,
  fields: (on) => ({
    count1: on.count({ over: TILE }),
    count4: on.count({ over: 4 * TILE }),
    sum4: on.sum(price, { over: 4 * TILE }),
    min4: on.min(price, { over: 4 * TILE }),
    max2: on.max(price, { over: 2 * TILE }),
    mean4: on.mean(price, { over: 4 * TILE }),
    last4: on.last(price, { over: 4 * TILE }),
    twice4: on.sum((e) => 2 * e.price, { over: 4 * TILE }),
    what4: on.distinct((e) => e.what, { over: 4 * TILE, registers: 256 }),
    recent: on.latest((e) => e.what, { n: 3 }),
    recentOne: on.latest(({ user }) => user, { n: 1 }),
  }),
});
const NAMES = Object.keys(clicks.fields);
const AGGREGATES = Object.values(clicks.fields).map(({ aggregate }) => aggregate);

/** An event with its place in its source. */
interface Placed extends Event {
  readonly source: number;
  readonly sequence: number;
}

const placed = (event: Placed): Contribution => contributionOf(clicks, event, event).contribution;

/** Events whose times rise, but for some that come late; each has a place of its own. */
const anyEvents = fc
  .array(
    fc.record({
      step: fc.integer({ min: 0, max: 900 }),
      late: fc.constantFrom(0, 0, 0, 700, 2_500, 20_000),
      price: fc.integer({ min: -50, max: 50 }),
      what: fc.constantFrom('a', 'b', 'c', 'd', 'é'),
      source: fc.nat(2),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((all) => {
    let clock = 100_000;
    return all.map(({ step, late, ...rest }, sequence): Placed => {
      clock += step;
      return { ...rest, user: `u${rest.source}`, at: clock - late, sequence };
    });
  });

/** What the window should say about these events. */
function expected(aggregate: Aggregate, name: string, events: readonly Placed[], now: number): unknown {
  const byTime = [...events].sort((one, other) => other.at - one.at || other.sequence - one.sequence);
  if (aggregate.kind === 'latest') {
    return byTime.slice(0, aggregate.n).map(({ what, user }) => (name === 'recentOne' ? user : what));
  }
  const tileOf = (at: number) => Math.floor(at / TILE);
  const within = byTime.filter(
    ({ at }) => tileOf(at) <= tileOf(now) && tileOf(at) > tileOf(now) - aggregate.over / TILE,
  );
  const prices = within.map((event) => event.price);
  const sum = prices.reduce((total, each) => total + each, 0);
  switch (aggregate.kind) {
    case 'count':
      return within.length;
    case 'sum':
      return name === 'twice4' ? 2 * sum : sum;
    case 'distinct':
      return new Set(within.map(({ what }) => what)).size;
    case 'min':
      return prices.length === 0 ? null : Math.min(...prices);
    case 'max':
      return prices.length === 0 ? null : Math.max(...prices);
    case 'mean':
      return prices.length === 0 ? null : sum / prices.length;
    case 'last':
      return prices[0] ?? null;
  }
}

const expectedAll = (events: readonly Placed[], now: number): unknown[] =>
  AGGREGATES.map((aggregate, at) => expected(aggregate, NAMES[at] as string, events, now));

describe('windows', () => {
  it('say what an oracle says that keeps every event, through bytes and in batches of any size', () => {
    fc.assert(
      fc.property(anyEvents, fc.integer({ min: 1, max: 7 }), fc.nat(6_000), (events, batch, after) => {
        let ring = emptyRing(clicks);
        const counted: Placed[] = [];
        for (let from = 0; from < events.length; from += batch) {
          const some = events.slice(from, from + batch);
          for (const addition of additionsOf(clicks, some.map(placed))) {
            const isLate = addition.tile.number <= ring.newest - clicks.tiles;
            expect(addToRing(ring, clicks, addition)).toBe(isLate ? 'late' : 'added');
            const own = some.filter(({ at }) => Math.floor(at / TILE) === addition.tile.number);
            if (!isLate) counted.push(...own);
          }
          const reread = readRing(writeRing(ring, clicks), clicks);
          expect(reread).toEqual(ring);
          ring = reread ?? ring;
          const newest = Math.max(...counted.map(({ at }) => at));
          for (const now of [newest + after, newest, newest - 3 * TILE]) {
            expect(windowValues(ring, clicks, AGGREGATES, now * 1_000)).toEqual(expectedAll(counted, now));
          }
        }
      }),
    );
  });

  it('say the same whatever the order of events, as long as none is late', () => {
    fc.assert(
      fc.property(anyEvents, fc.infiniteStream(fc.nat()), (events, draw) => {
        const punctual = events.filter(({ at }) => at > events[0]!.at && at < events[0]!.at + 8 * TILE);
        const shuffled = punctual
          .map((event) => [draw.next().value, event] as const)
          .sort(([one], [other]) => one - other)
          .map(([, event]) => event);
        const ringOf = (all: readonly Placed[]) => {
          const ring = emptyRing(clicks);
          for (const each of all) {
            for (const addition of additionsOf(clicks, [placed(each)])) addToRing(ring, clicks, addition);
          }
          return ring;
        };
        expect(ringOf(shuffled)).toEqual(ringOf(punctual));
      }),
    );
  });

  it('do not open an old tile again for an addition that is late', () => {
    const ring = emptyRing(clicks);
    const at = (time: number, sequence: number) =>
      additionsOf(clicks, [
        placed({ user: 'u', at: time, price: 1, what: 'a', source: 0, sequence }),
      ])[0] as ReturnType<typeof additionsOf>[number];
    addToRing(ring, clicks, at(100_000, 1));
    const before = writeRing(ring, clicks);
    expect(addToRing(ring, clicks, at(100_000 - clicks.tiles * TILE, 2))).toBe('late');
    expect(writeRing(ring, clicks).equals(before)).toBe(true);
    expect(addToRing(ring, clicks, at(101_000 - clicks.tiles * TILE, 3))).toBe('added');
  });

  it('without events count none', () => {
    const values = windowValues(emptyRing(clicks), clicks, AGGREGATES, 1e12);
    expect(values).toEqual([0, 0, 0, null, null, null, null, 0, 0, [], []]);
  });

  it('are not read from bytes that are no ring of theirs', () => {
    const ring = emptyRing(clicks);
    const contribution = placed({ user: 'u', at: 5_000, price: 1, what: 'abc', source: 0, sequence: 1 });
    for (const addition of additionsOf(clicks, [contribution])) addToRing(ring, clicks, addition);
    const bytes = writeRing(ring, clicks);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(readRing(bytes.subarray(0, length), clicks)).toBeNull();
    }
    expect(readRing(bytes, { ...clicks, tile: 2 * TILE })).toBeNull();
    expect(readRing(bytes, { ...clicks, tiles: clicks.tiles + 1 })).toBeNull();
    expect(readRing(bytes, { ...clicks, plan: { ...clicks.plan, distinct: [64] } })).toBeNull();
  });
});

describe('an event', () => {
  const fine: Placed = { user: 'u', at: 1, price: 1, what: 'a', source: 0, sequence: 1 };
  it.each<[Partial<Event>, string, string]>([
    [{ price: Number.NaN }, 'fields.sum4', 'a finite number; got NaN'],
    [{ what: 'x'.repeat(257) }, 'fields.what4', 'text of at most 256 bytes'],
    [{ user: '' }, 'the id of "user"', 'got ""'],
    [{ at: -1 }, 'time', 'got -1'],
  ])('is refused by itself with %j', (part, path, message) => {
    const read = () => placed({ ...fine, ...part });
    expect(read).toThrow(RowError);
    expect(read).toThrow(expect.objectContaining({ path, message: expect.stringContaining(message) }));
  });
});

describe('the estimate of a distinct count', () => {
  it.each([
    [64, 0.13],
    [256, 0.065],
  ])('from %i registers has a standard error of about %s', (size, error) => {
    const view = windows('w', {
      entity: entity('user'),
      tile: TILE,
      event: Event,
      key: (e) => e.user,
      time: (e) => e.at,
      fields: (on) => ({
        n: on.distinct((e) => e.what, { over: TILE, registers: size as 64 | 256 }),
      }),
    });
    const squares = [10, 100, 1_000, 10_000].flatMap((texts) =>
      Array.from({ length: 8 }, (_, trial) => {
        const events = Array.from({ length: texts }, (_, at) =>
          placedIn(view, { user: 'u', at: 0, price: 0, what: `${trial}:${at}`, source: 0, sequence: at }),
        );
        const [addition] = additionsOf(view, events);
        const off = estimate(addition?.tile.registers ?? new Uint8Array(size)) / texts - 1;
        return off * off;
      }),
    );
    const deviation = Math.sqrt(squares.reduce((sum, each) => sum + each, 0) / squares.length);
    expect(deviation).toBeLessThan(1.5 * error);
    expect(deviation).toBeGreaterThan(0);
  });
});

const placedIn = (view: Parameters<typeof contributionOf>[0], event: Placed): Contribution =>
  contributionOf(view, event, event).contribution;
