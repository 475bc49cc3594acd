/**
 * A closed loop: callers that each start a run, await its result, and start the next.
 *
 * Guarantees: runs that end within the measured time are counted, and those that begin within it too are timed, after a time
 * that warms up. A run with a wrong result fails the measurement.
 */
import { quantile } from '../harness/statistics.js';
import type { NodeObserver } from '../redis-info.js';
import type { Opened } from './peers/peer.js';

export interface Loop {
  readonly callers: number;
  /** Of a run. */
  readonly steps: number;
  /** In ms. */
  readonly warm: number;
  readonly time: number;
}

export interface Measured {
  readonly runs: number;
  /** What it took, in ms. */
  readonly time: number;
  /** From start to result, in ms. */
  readonly p50: number;
  readonly p99: number;
  /** CPU time in microseconds: of this process, and of Redis. */
  readonly client: number;
  readonly redis: number;
}

export async function callLoop(
  opened: Pick<Opened, 'run'>,
  observer: NodeObserver,
  { callers, steps, warm, time }: Loop,
): Promise<Measured> {
  const taken: number[] = [];
  let runs = 0;
  let measuresFrom = Number.POSITIVE_INFINITY;
  let isOver = false;
  const caller = async (): Promise<void> => {
    while (!isOver) {
      const since = performance.now();
      const done = await opened.run(steps);
      if (done !== steps) throw new Error(`A run of ${steps} steps gave ${done}.`);
      const now = performance.now();
      if (isOver || now < measuresFrom) continue;
      runs += 1;
      if (since >= measuresFrom) taken.push(now - since);
    }
  };
  const measure = async (): Promise<Pick<Measured, 'time' | 'client' | 'redis'>> => {
    await pause(warm);
    const [before = 0] = await observer.cpuOfEach();
    const own = process.cpuUsage();
    const since = performance.now();
    measuresFrom = since;
    await pause(time);
    isOver = true;
    const took = performance.now() - since;
    const { user, system } = process.cpuUsage(own);
    const [after = 0] = await observer.cpuOfEach();
    return { time: took, client: user + system, redis: after - before };
  };
  const [measured] = await Promise.all([measure(), ...Array.from({ length: callers }, caller)]);
  return { ...measured, runs, p50: quantile(taken, 0.5), p99: quantile(taken, 0.99) };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
