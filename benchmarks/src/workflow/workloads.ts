/** The workloads by their names on the command line, with what the report says of each. */
import type { Workload } from './stage.js';
import { latency, step, steps } from './steps.js';

interface Described {
  readonly measure: Workload;
  readonly about: string;
}

export const workloads: ReadonlyMap<string, Described> = new Map(
  Object.entries({
    steps: {
      measure: steps,
      about:
        'Runs of five steps that do nothing, in a closed loop of so many callers: one process starts them, does their steps and awaits their results. A flow of BullMQ has a job for each step and one for the run; DBOS writes to PostgreSQL, and its Redis CPU means nothing.',
    },
    step: {
      measure: step,
      about: 'One step inside a long run, with nothing beside it. A flow of BullMQ has no such thing.',
    },
    latency: {
      measure: latency,
      about:
        'From the start in one process to the result there, while another process does the steps. DBOS goes through a queue.',
    },
  }),
);
