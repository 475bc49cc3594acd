/**
 * Workload 1: how long acquire and release take together, with one in flight.
 *
 * Guarantees: the contestants take turns within a round, in slices, so that all see the same machine; a ratio compares
 * numbers of one round. A pair that fails rejects the whole measurement: on healthy nodes with free resources nothing
 * may fail.
 */

import { median, quantile } from '../harness/statistics.js';
import type { NodeObserver } from '../redis-info.js';
import type { Fleet } from './fleet.js';
import type { Plan } from './plan.js';

/** How many turns everybody has in a round. */
const SLICES = 4;

/** Pairs that are not counted at the begin of a turn, because the process and its caches have been idle, as a share. */
const WARM_UP = 0.4;

/** One contestant's medians and 99th percentiles and what a pair costs in CPU, in microseconds, one a round. */
export interface LatencyResult {
  readonly median: number[];
  readonly p99: number[];
  readonly nodesCpu: number[];
  readonly clientCpu: number[];
}

/** The numbers of one contestant in one round. */
interface Gathered {
  readonly times: number[];
  nodesCpu: number;
  clientCpu: number;
}

export async function runLatency(
  fleet: Fleet,
  observer: NodeObserver,
  plan: Plan,
): Promise<Map<string, LatencyResult>> {
  const results = new Map<string, LatencyResult>();
  for (const { name } of fleet.runners) {
    results.set(name, { median: [], p99: [], nodesCpu: [], clientCpu: [] });
  }
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const [name, { times, nodesCpu, clientCpu }] of await playRound(fleet, observer, plan, round)) {
      const result = results.get(name);
      result?.median.push(median(times) * 1000);
      result?.p99.push(quantile(times, 0.99) * 1000);
      result?.nodesCpu.push(nodesCpu / times.length);
      result?.clientCpu.push(clientCpu / times.length);
    }
  }
  return results;
}

async function playRound(
  fleet: Fleet,
  observer: NodeObserver,
  plan: Plan,
  round: number,
): Promise<Map<string, Gathered>> {
  const gathered = new Map(
    fleet.runners.map(({ name }): [string, Gathered] => [name, { times: [], nodesCpu: 0, clientCpu: 0 }]),
  );
  const pairs = Math.ceil(plan.pairs / SLICES);
  for (let slice = 0; slice < SLICES; slice += 1) {
    for (const runner of fleet.turns(round * SLICES + slice)) {
      const mine = gathered.get(runner.name);
      if (!mine) continue;
      await runner.measure('pairs', { pairs: Math.ceil(pairs * WARM_UP) });
      const before = await observer.counters();
      const { times, cpu } = await runner.measure('pairs', { pairs });
      const after = await observer.counters();
      mine.times.push(...times);
      mine.clientCpu += cpu;
      mine.nodesCpu += after.cpu - before.cpu;
    }
  }
  return gathered;
}
