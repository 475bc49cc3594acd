/**
 * Workload 4: the effect of one frozen node (SIGSTOP) on the time that an acquire takes, one in flight.
 *
 * Guarantees: a contestant's time with a frozen node is compared with its own time on healthy nodes in the same round;
 * which comes first changes from round to round, and so does the node. The time in which nobody has noticed yet that
 * the node is silent is measured too. Who stalls is not waited for longer than `patience`, is measured once, and is
 * reported. A node is thawed and answers again before anybody else is measured, also after a failure.
 */
import type { LocalNodes } from '@holdfast/local';
import { quantile } from '../harness/statistics.js';
import type { NodeObserver } from '../redis-info.js';
import type { Fleet, Runner } from './fleet.js';
import type { Acquisitions } from './measures/acquisitions.js';
import type { Plan } from './plan.js';

/** One contestant's 99th percentiles and slowest acquires in ms, and numbers of samples; one a round. */
export interface FrozenResult {
  readonly healthy: number[];
  readonly frozen: number[];
  readonly slowest: number[];
  readonly samples: number[];
  /** A description of the stall, if acquiring stopped while a node was frozen. */
  stalled: string | undefined;
}

export async function runFrozen(
  fleet: Fleet,
  nodes: LocalNodes,
  observer: NodeObserver,
  plan: Plan,
): Promise<Map<string, FrozenResult>> {
  const results = new Map(
    fleet.runners.map(({ name }): [string, FrozenResult] => [
      name,
      { healthy: [], frozen: [], slowest: [], samples: [], stalled: undefined },
    ]),
  );
  const options = { samples: plan.acquisitions, atLeast: plan.acquiring, patience: plan.patience };
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const runner of fleet.turns(round)) {
      const result = results.get(runner.name);
      if (!result || result.stalled !== undefined) continue;
      const measureHealthy = (): Promise<Acquisitions> => runner.measure('acquisitions', options);
      const measureFrozen = (): Promise<Acquisitions> =>
        whileFrozen(nodes, observer, round, () => runner.measure('acquisitions', options));
      const healthyFirst = round % 2 === 0;
      const before = healthyFirst ? await measureHealthy() : undefined;
      const frozen = await measureFrozen();
      const healthy = before ?? (await measureHealthy());
      record(runner, result, healthy, frozen);
    }
  }
  return results;
}

async function whileFrozen<T>(
  nodes: LocalNodes,
  observer: NodeObserver,
  round: number,
  work: () => Promise<T>,
): Promise<T> {
  const victim = nodes.nodes[round % nodes.nodes.length];
  if (!victim) throw new Error('there are no nodes');
  victim.freeze();
  try {
    return await work();
  } finally {
    victim.thaw();
    await observer.ready();
  }
}

function record(runner: Runner, result: FrozenResult, healthy: Acquisitions, frozen: Acquisitions): void {
  if (healthy.stalled !== undefined) {
    throw new Error(`${runner.name} stalled on healthy nodes: ${healthy.stalled}`);
  }
  result.healthy.push(quantile(healthy.times, 0.99));
  result.stalled = frozen.stalled;
  result.samples.push(frozen.times.length);
  result.frozen.push(quantile(frozen.times, 0.99));
  result.slowest.push(Math.max(...frozen.times));
}
