/**
 * How much there is to do in a partition in memory: what lua/demand.lua does. The age of the oldest run is not kept here.
 */
import type { WorkflowDemand } from './event-store.js';
import type { Life } from './memory-dispatch.js';

/** What others know of a workflow: how many runs wait that no worker may have, and whether it is paused. */
type Rest = (workflow: string) => Pick<WorkflowDemand, 'unserved' | 'paused'>;

export class MemoryDemand {
  /** So far, by workflow. */
  readonly #takeovers = new Map<string, number>();

  /** A run was taken from a worker that is gone. */
  fell({ run }: Life): void {
    const workflow = workflowOf(run);
    this.#takeovers.set(workflow, (this.#takeovers.get(workflow) ?? 0) + 1);
  }

  of(lives: readonly Life[], workflows: readonly string[], rest: Rest): readonly WorkflowDemand[] {
    return workflows.map((workflow) => {
      const count = (word: Life['word']): number =>
        lives.filter((life) => life.word === word && workflowOf(life.run) === workflow).length;
      const takeovers = this.#takeovers.get(workflow) ?? 0;
      return {
        waiting: count('ready'),
        running: count('owned'),
        stuck: count('stuck'),
        oldest: 0,
        takeovers,
        ...rest(workflow),
      };
    });
  }
}

const workflowOf = (run: string): string => run.slice(0, run.indexOf('/'));
