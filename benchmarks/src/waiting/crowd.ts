/**
 * A crowd: many waiters of one lock, each of whom acquires, holds, releases and asks again.
 *
 * Guarantees: the rates are taken from a window in which all of them want the lock all the time. Everybody who waited
 * when the window closed is part of the record, whether he was granted the lock afterwards or not. A call that failed
 * is counted and made again; the waiter has been waiting since his first. CPU times and commands are those of the
 * window, asked of the nodes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Runner } from '../lock/fleet.js';
import { monotonic } from '../lock/measures/crowd.js';
import type { NodeObserver } from '../redis-info.js';
import { type Grant, handOvers, inOrder } from './order.js';

/** The settings of a crowd. */
export interface Gathering {
  readonly resource: string;
  /** All processes together. */
  readonly waiters: number;
  readonly hold: number;
  /** How long they wait for each other before anything is counted, and how long it is counted, in milliseconds. */
  readonly settling: number;
  readonly duration: number;
}

/** The results of a crowd. */
export interface Gathered {
  /** All that there were, by time, also before and after the window. */
  readonly grants: readonly Grant[];
  /** When the window began. */
  readonly begin: number;
  readonly acquisitionsPerSecond: number;
  /** Acquisitions by another waiter than the one before. */
  readonly handOversPerSecond: number;
  /** Of all nodes, for each hand-over. */
  readonly commands: number;
  /** CPU time of all nodes in microseconds, for each hand-over. */
  readonly nodesCpu: number;
  /** Requests that failed, also before and after the window. */
  readonly failures: readonly string[];
}

/** Room for the last question to the nodes while everybody still waits, in milliseconds. */
const SLACK = 100;

/** Lets the waiters, spread evenly over the contestant's processes, contend for one lock. */
export async function gather(
  processes: readonly Runner[],
  observer: NodeObserver,
  { resource, waiters, hold, settling, duration }: Gathering,
): Promise<Gathered> {
  const sends = processes[0]?.contestant.sends ?? [];
  const until = monotonic() + settling + duration + SLACK;
  const share = waiters / processes.length;
  const records = Promise.all(
    processes.map((runner) => runner.measure('crowd', { resource, waiters: share, hold, until })),
  );
  records.catch(() => {}); // is awaited below
  await sleep(settling);
  const before = await count(observer, sends);
  await sleep(duration);
  const after = await count(observer, sends);
  const parts = await records;
  const grants = inOrder(parts.flatMap((part) => part.grants));
  const window = handOvers(grants, before.time, after.time);
  const seconds = (after.time - before.time) / 1000;
  return {
    grants,
    begin: before.time,
    acquisitionsPerSecond: window.grants / seconds,
    handOversPerSecond: window.handOvers / seconds,
    commands: (after.calls - before.calls) / window.handOvers,
    nodesCpu: (after.cpu - before.cpu) / window.handOvers,
    failures: parts.flatMap((part) => part.failures),
  };
}

async function count(observer: NodeObserver, sends: readonly string[]) {
  const time = monotonic();
  const [calls, { cpu }] = await Promise.all([observer.calls(sends), observer.counters()]);
  return { time, calls, cpu };
}
