/**
 * The timeline of one run, for people: the world's time, who, what.
 */
import type { Plan } from '../plan/plan.js';
import { type Outcome, type RunOptions, simulate } from './run.js';

export async function replay(
  plan: Plan,
  write: (line: string) => void,
  options: RunOptions = {},
): Promise<Outcome> {
  write(describe(plan));
  return simulate(plan, {
    ...options,
    trace: (time, who, what) => {
      write(`${(time / 1000).toFixed(3).padStart(10)} ms  ${who.padEnd(10)}  ${what}`);
    },
  });
}

function describe({ seed, nodes, clients, deployment, latency, faults, healAt }: Plan): string {
  const parameters = Object.entries(deployment).map(([name, value]) => `${name} ${value}`);
  return [
    `seed ${seed}: ${nodes} nodes, ${clients.length} clients, ${faults.length} faults, healed at ${healAt} ms`,
    `  ${parameters.join(', ')}`,
    `  latency ${latency.base} µs and on average ${latency.jitter} µs more`,
  ].join('\n');
}
