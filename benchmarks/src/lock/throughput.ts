/**
 * Workloads 2 and 3: acquire and release per second, with many in flight, all on distinct resources.
 *
 * Guarantees: counts only pairs that ended within the measured time, and tells how many failed. The nodes' CPU time
 * per pair comes from the nodes themselves and hardly depends on what else the machine does.
 */
import type { NodeObserver } from '../redis-info.js';
import type { Session } from './contestants.js';
import type { Fleet } from './fleet.js';
import type { Plan } from './plan.js';

/** What the contestant's process has counted. */
export interface ThroughputSample {
  readonly pairs: number;
  readonly failures: number;
  /** Milliseconds. */
  readonly elapsed: number;
  /** CPU time of the contestant's process, in microseconds. */
  readonly cpu: number;
}

/** One contestant's numbers, one a round; CPU times in microseconds a pair. */
export interface ThroughputResult {
  readonly perSecond: number[];
  readonly nodesCpu: number[];
  readonly clientCpu: number[];
  readonly failures: number[];
}

/** How many names a worker goes through; those of two workers never meet. */
const NAMES = 16;

/** Runs in the contestant's process. Every worker takes and gives back locks, one after the other. */
export async function measureThroughput(
  session: Session,
  options: { readonly inFlight: number; readonly duration: number },
): Promise<ThroughputSample> {
  let pairs = 0;
  let failures = 0;
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const end = start + options.duration;
  const work = async (worker: number): Promise<void> => {
    for (let turn = 0; performance.now() < end; turn += 1) {
      try {
        const release = await session.acquire(`many:${worker}:${turn % NAMES}`);
        await release();
        pairs += 1;
      } catch {
        failures += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: options.inFlight }, (_, worker) => work(worker)));
  const elapsed = performance.now() - start;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { pairs, failures, elapsed, cpu: user + system };
}

export async function runThroughput(
  fleet: Fleet,
  observer: NodeObserver,
  plan: Plan,
  inFlight: number,
): Promise<Map<string, ThroughputResult>> {
  const results = new Map(
    fleet.runners.map(({ name }): [string, ThroughputResult] => [
      name,
      { perSecond: [], nodesCpu: [], clientCpu: [], failures: [] },
    ]),
  );
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const runner of fleet.turns(round)) {
      const before = await observer.counters();
      const sample = await runner.measure('throughput', { inFlight, duration: plan.duration });
      const after = await observer.counters();
      const result = results.get(runner.name);
      result?.perSecond.push((sample.pairs * 1000) / sample.elapsed);
      result?.nodesCpu.push((after.cpu - before.cpu) / sample.pairs);
      result?.clientCpu.push(sample.cpu / sample.pairs);
      result?.failures.push(sample.failures);
    }
  }
  return results;
}
