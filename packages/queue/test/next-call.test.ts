/** What a consumer asks for next, and what it holds: functions of values. */
import { expect, it } from 'vitest';
import type { Claimed } from '../src/claimed.js';
import { Deliveries } from '../src/deliveries.js';
import { isDrained, nextCall, type Situation } from '../src/next-call.js';
import { Payloads } from '../src/payloads.js';
import { DeliveredTask } from '../src/task.js';

const BUSY: Situation = {
  phase: 'working',
  hasSession: true,
  isSure: true,
  isFailing: false,
  isPaused: false,
  supply: 'unknown',
  calls: 0,
  held: 0,
  settled: 0,
  concurrency: 10,
  consumers: 1,
  load: 0,
  averageDuration: 1_000,
  isPaced: false,
};

const next = (at: Partial<Situation>) => nextCall({ ...BUSY, ...at });

it('asks for half of its room, twice at a time while the queue gives all that is asked for', () => {
  expect(next({})).toEqual({ verb: 'work', want: 5 });
  expect(next({ calls: 1, load: 5 })).toEqual({ verb: 'none' });
  expect(next({ calls: 1, load: 5, supply: 'saturated' })).toEqual({ verb: 'work', want: 5 });
  expect(next({ calls: 2, load: 5, supply: 'saturated' })).toEqual({ verb: 'none' });
  expect(next({ load: 8 })).toEqual({ verb: 'work', want: 2 });
  expect(next({ load: 10 })).toEqual({ verb: 'none' });
  expect(next({ concurrency: 1 })).toEqual({ verb: 'work', want: 1 });
});

it('claims ahead as much as short tasks take in 4 ms, never more than a call may, nor where others share the room', () => {
  expect(next({ averageDuration: 1 })).toEqual({ verb: 'work', want: 20 });
  expect(next({ averageDuration: 0.001 })).toEqual({ verb: 'work', want: 69 });
  expect(next({ averageDuration: 0.001, concurrency: 5_000 })).toEqual({ verb: 'work', want: 128 });
  expect(next({ averageDuration: 1, consumers: 2 })).toEqual({ verb: 'work', want: 5 });
});

it('asks a drained queue again only to end deliveries, and then for nothing', () => {
  expect(next({ supply: 'drained' })).toEqual({ verb: 'none' });
  expect(next({ supply: 'drained', settled: 3 })).toEqual({ verb: 'work', want: 0 });
});

it('claims nothing ahead where a rate counts it as begun', () => {
  expect(next({ averageDuration: 0.1, isPaced: true })).toEqual(next({}));
  expect(next({ averageDuration: 0.1 })).not.toEqual(next({}));
});

it('claims nothing when it is paused or drains, and calls for nothing without a session or after its end', () => {
  for (const at of [{ isPaused: true }, { phase: 'draining' }] as const) {
    expect(next(at)).toEqual({ verb: 'none' });
    expect(next({ ...at, settled: 1 })).toEqual({ verb: 'work', want: 0 });
  }
  expect(next({ hasSession: false, settled: 1 })).toEqual({ verb: 'none' });
  expect(next({ phase: 'closed', settled: 1 })).toEqual({ verb: 'none' });
});

it('makes sure first of what it has, when no call is under way', () => {
  expect(next({ isSure: false, settled: 1 })).toEqual({ verb: 'reconcile' });
  expect(next({ isSure: false, settled: 1, calls: 1 })).toEqual({ verb: 'none' });
});

it('is drained when nothing is left to hand back, or nobody to hand it back to', () => {
  const drained = (at: Partial<Situation>) => isDrained({ ...BUSY, phase: 'draining', ...at });
  expect(drained({})).toBe(true);
  expect(drained({ phase: 'working' })).toBe(false);
  for (const left of [{ held: 1 }, { settled: 1 }, { calls: 1 }]) expect(drained(left)).toBe(false);
  expect(drained({ isSure: false })).toBe(false);
  expect(drained({ isSure: false, isFailing: true })).toBe(true);
  expect(next({ phase: 'draining', isSure: false, isFailing: true })).toEqual({ verb: 'none' });
  expect(next({ phase: 'draining', isSure: false, isFailing: true, held: 1 })).toEqual({ verb: 'reconcile' });
  expect(drained({ isSure: false, hasSession: false })).toBe(true);
});

const claimed = (entry: string): Claimed => ({
  ...{ id: entry, priority: '0', entry, key: '', holds: false, recorded: false, data: 'null' },
  ...{ options: {}, added: undefined, expires: undefined, deliveries: 1, made: 0, errors: [] },
});

async function* outcomesOf() {}

function taskOf(entry: string): DeliveredTask<unknown> {
  const clock = {
    now: () => 0,
    wall: () => 0,
    after: () => ({ cancel: () => {} }),
    afterInput: () => {},
  };
  const payloads = new Payloads({ codec: undefined, name: 'q', prefix: '', clock, maxBytes: 100 });
  const queue = { name: 'q', issuer: 'queue:q', payloads };
  const noted = async () => true;
  const context = { clock, validUntil: () => 1, progress: noted, log: noted, outcomes: () => outcomesOf() };
  return new DeliveredTask(queue, claimed(entry), 1, context);
}

it('holds each delivery once: ahead, begun, or with an outcome that counts once', () => {
  const deliveries = new Deliveries();
  for (const [since, entry] of ['1-0', '2-0', '3-0'].entries())
    deliveries.claimed({ claimed: claimed(entry), token: 1, now: 0, since });
  const first = deliveries.next()?.claimed as Claimed;
  const task = taskOf('1-0');
  deliveries.begin(first, task);
  expect(deliveries.handBackAhead(1)).toBe(1);
  expect([deliveries.begun, deliveries.ahead, deliveries.settled]).toEqual([1, 1, 1]);
  expect(deliveries.places()).toEqual(['0', '1-0', '0', '3-0', '0', '2-0']);

  expect(deliveries.settle(first, taskOf('1-0'), ['done', '0', '1-0', '1'])).toBe(false);
  expect(deliveries.settle(first, task, ['done', '0', '1-0', '1'])).toBe(true);
  expect(deliveries.settle(first, task, ['done', '0', '1-0', '1'])).toBe(false);
  expect(deliveries.takeSettled(10)).toEqual([
    ['back', '0', '2-0', '1'],
    ['done', '0', '1-0', '1'],
  ]);

  deliveries.forget(new Set(['0 3-0']));
  expect(deliveries.isEmpty).toBe(true);
});

it('tells handlers why a delivery is not theirs any more', () => {
  const deliveries = new Deliveries();
  const tasks = ['1-0', '2-0', '3-0'].map(taskOf);
  const [forgotten, lost] = tasks as [DeliveredTask<unknown>, DeliveredTask<unknown>];
  for (const task of tasks) deliveries.begin(claimed(task.id), task);
  deliveries.forget(new Set(['0 1-0']));
  expect(forgotten.over?.message).toMatch(/the server has forgotten/);
  expect(deliveries.lose('late')).toBe(2);
  expect(lost.over?.message).toMatch(/did not renew/);
  expect(deliveries.isEmpty).toBe(true);
});
