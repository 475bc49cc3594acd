/**
 * Makes a failing plan smaller: it leaves out faults, steps, tasks and clients for as long as the same rule is violated.
 *
 * Guarantees: what it returns violates the rule, and nothing that it has tried to leave out could be left out alone.
 */
import type { RunOptions } from './run.js';
import type { AnyPlan, Scenario } from './scenario.js';

/** Runs that it takes at the most. */
const MOST_RUNS = 400;

export async function shrink<P extends AnyPlan>(
  scenario: Scenario<P>,
  plan: P,
  rule: string,
  options: RunOptions,
): Promise<P> {
  let smallest = plan;
  let runs = 0;
  const fails = async (candidate: P): Promise<boolean> => {
    runs += 1;
    const { violations } = await scenario.run(candidate, options);
    return violations.some((violation) => violation.rule === rule);
  };
  for (let progress = true; progress && runs < MOST_RUNS; ) {
    progress = false;
    for (const smaller of candidates(smallest)) {
      if (runs >= MOST_RUNS) break;
      if (!(await fails(smaller))) continue;
      smallest = smaller;
      progress = true;
      break;
    }
  }
  return smallest;
}

/** What is left out one at a time, the largest parts first. */
function* candidates<P extends AnyPlan>(plan: P): Generator<P> {
  const { faults, clients } = plan;
  const half = Math.ceil(faults.length / 2);
  if (faults.length > 2) {
    yield { ...plan, faults: faults.slice(0, half) };
    yield { ...plan, faults: faults.slice(half) };
  }
  // A client keeps its place, so that the faults mean the same one.
  for (const [place, client] of clients.entries()) {
    if (client.tasks.length > 0) yield withTasks(plan, place, []);
  }
  for (const index of faults.keys()) yield { ...plan, faults: faults.filter((_, other) => other !== index) };
  for (const [place, { tasks }] of clients.entries()) {
    for (const task of tasks.keys()) {
      if (tasks.length > 1) yield withTasks(plan, place, without<readonly unknown[]>(tasks, task));
    }
    for (const [task, steps] of tasks.entries()) {
      for (const step of steps.keys()) {
        yield withTasks(
          plan,
          place,
          tasks.map((each, index) => (index === task ? without<unknown>(steps, step) : each)),
        );
      }
    }
  }
}

function withTasks<P extends AnyPlan>(plan: P, place: number, tasks: readonly (readonly unknown[])[]): P {
  const clients = plan.clients.map((client, index) => (index === place ? { ...client, tasks } : client));
  return { ...plan, clients };
}

const without = <T>(values: readonly T[], index: number): T[] => values.filter((_, other) => other !== index);
