/**
 * Workloads 2 and 3: acquire and release per second, with many in flight, all on distinct resources.
 *
 * Guarantees: counts only pairs that ended within the measured time, and tells how many failed. The nodes' CPU time
 * per pair comes from the nodes themselves and hardly depends on what else the machine does.
 */
import type { NodeObserver } from '../redis-info.js';
import type { Fleet } from './fleet.js';
import type { Plan } from './plan.js';

/** One contestant's numbers, one a round; CPU times in microseconds a pair. */
export interface ThroughputResult {
  readonly perSecond: number[];
  readonly nodesCpu: number[];
  readonly clientCpu: number[];
  readonly failures: number[];
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
