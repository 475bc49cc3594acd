/**
 * The timeline of one run, for people: the world's time, who, what.
 */
import type { Outcome, RunOptions } from './run.js';
import type { AnyPlan, Scenario } from './scenario.js';

export async function replay<P extends AnyPlan>(
  scenario: Scenario<P>,
  plan: P,
  write: (line: string) => void,
  options: RunOptions = {},
): Promise<Outcome> {
  write(describe(plan, scenario.parameters(plan)));
  return scenario.run(plan, {
    ...options,
    trace: (time, who, what) => {
      write(`${(time / 1000).toFixed(3).padStart(10)} ms  ${who.padEnd(10)}  ${what}`);
    },
  });
}

function describe({ seed, nodeClocks, clients, latency, faults, healAt }: AnyPlan, settings: object): string {
  const parameters = Object.entries(settings).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return [
    `seed ${seed}: ${nodeClocks.length} servers, ${clients.length} clients, ${faults.length} faults, healed at ${healAt} ms`,
    `  ${parameters.join(', ')}`,
    `  latency ${latency.base} µs and on average ${latency.jitter} µs more`,
  ].join('\n');
}
