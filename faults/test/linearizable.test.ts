/**
 * The decision whether a history is linearizable, against a search through all orders, on small histories of chance:
 * some from a mutex that works, some with a mistake in them.
 */
import { seededRandom } from '@holdfast/kernel';
import { expect, it } from 'vitest';
import type { Granted } from '../src/check/lease.js';
import { findStuck } from '../src/check/linearizable.js';

interface Step {
  readonly lease: Granted;
  readonly asked: number;
  readonly at: number;
  /** What its holder may rely on from then on. */
  readonly until: number;
  readonly isGrant: boolean;
}

interface State {
  readonly now: number;
  readonly highest: number;
  /** Those who were granted the highest token, each with the moment from which the mutex need not be held by it. */
  readonly holders: ReadonlyMap<Granted, number>;
}

const stepsOf = (lease: Granted): Step[] =>
  [{ asked: lease.asked, at: lease.at }, ...lease.extended].map(({ asked, at }, index) => ({
    ...{ lease, asked, at, isGrant: index === 0 },
    until: Math.min(lease.ended, lease.spans[index]?.until ?? 0),
  }));

/** Wing and Gong's search: any step that the mutex allows now may be the next. */
function isLinearizable(steps: readonly Step[], { now, highest, holders }: State): boolean {
  if (steps.length === 0) return true;
  return steps.some((step) => {
    const { lease, isGrant } = step;
    const rest = steps.filter((other) => other !== step);
    const isNext = !rest.some((other) => other.lease === lease && other.at < step.at);
    const readers = lease.operation.kind === 'shared' && [...holders.keys()].every(isReader);
    const joins = isGrant && readers && lease.token === highest;
    const fits = isGrant ? lease.token > highest || joins : holders.has(lease);
    if (!fits || !isNext) return false;
    const free = isGrant && !joins ? [...holders.values()] : [];
    const moment = Math.max(now, step.asked, ...free);
    if (moment > step.at) return false;
    const kept = isGrant && !joins ? [] : [...holders];
    const next = new Map([...kept, [lease, step.until]] as const);
    return isLinearizable(rest, { now: moment, highest: lease.token, holders: next });
  });
}

const isReader = ({ operation }: Granted): boolean => operation.kind === 'shared';

/** Leases of a mutex that works, more or less. */
function draw(seed: number): Granted[] {
  const { unit } = seededRandom(seed);
  const upTo = (most: number): number => Math.floor(unit() * most);
  let time = 0;
  let token = 1;
  return Array.from({ length: 2 + upTo(3) }, (_, index) => {
    token += unit() < 0.1 ? 0 : 1 + upTo(2);
    time = Math.max(0, time + upTo(30) - (unit() < 0.2 ? upTo(60) : 0));
    const asked = Math.max(0, time - upTo(20));
    const at = time + upTo(10);
    const until = at + upTo(40);
    const spans = [{ from: at, until }];
    const extended: { asked: number; at: number }[] = [];
    if (unit() < 0.4) {
      const later = { asked: at + upTo(30), at: 0 };
      later.at = later.asked + upTo(20);
      extended.push(later);
      spans[0] = { from: at, until: Math.min(until, later.at) };
      spans.push({ from: later.at, until: later.at + upTo(40) });
    }
    time = unit() < 0.8 ? (spans.at(-1)?.until ?? 0) : at;
    const kind = unit() < 0.3 ? 'shared' : 'exclusive';
    return {
      id: `lease-${index + 1}`,
      operation: { f: 'acquire', kind, resource: 'r', ttl: 1 },
      ...{ asked, at, token, spans, extended },
      ended: unit() < 0.3 ? (spans.at(-1)?.from ?? 0) + upTo(10) : Number.POSITIVE_INFINITY,
    };
  });
}

it('is decided as a search through all orders decides it', { timeout: 60_000 }, () => {
  const first = Math.floor(Math.random() * 1_000_000);
  const start: State = { now: Number.NEGATIVE_INFINITY, highest: 0, holders: new Map() };
  const found = { linearizable: 0, not: 0 };
  for (let seed = first; seed < first + 5_000; seed += 1) {
    const leases = draw(seed);
    const expected = isLinearizable(leases.flatMap(stepsOf), start);
    expect(findStuck(leases) === undefined, `draw(${seed})`).toBe(expected);
    found[expected ? 'linearizable' : 'not'] += 1;
  }
  expect(found.linearizable).toBeGreaterThan(500);
  expect(found.not).toBeGreaterThan(500);
});
