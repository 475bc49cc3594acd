/**
 * A start in its partition: under the limits that its workflow declares, and owned at once where that is wanted and can be.
 */
import { RunsFullError } from '../errors.js';
import type { Started, StartRequest } from '../store/store.js';
import type { Place } from '../worker/places.js';
import { onReplicas } from './durable.js';
import type { AnyWorkflow } from './options.js';
import type { Partition } from './partition.js';
import type { Hearing } from './waits.js';

export interface Starting {
  readonly partition: Pick<Partition, 'store' | 'declarations' | 'loops'>;
  readonly workflow: AnyWorkflow;
  readonly request: StartRequest;
  /** Whether a worker of this process owns the run from the start, if it may begin and there is room for it. */
  readonly owns: boolean;
}

/** Rejects with RunsFullError, with MisuseError if other limits are kept, and with what the call rejects with. */
export async function startIn({ partition, workflow, request, owns }: Starting): Promise<Started> {
  const { limits } = workflow;
  const under = { ...request.under, ...(limits && { limits: limits.version }) };
  for (;;) {
    await partition.declarations.ensure(workflow);
    const place = owns ? placeIn(partition, workflow) : undefined;
    const started = await (place ?? partition.store).start({ ...request, under });
    const { word, full } = started;
    if (full) throw new RunsFullError({ workflow: workflow.name, max: full.most, retryAfter: full.wait });
    if (word !== 'undeclared') {
      // Whoever waits for its end hears of that only once replicas have it.
      const { run, mailbox } = request;
      if (mailbox === '') await onReplicas(partition.store, { run, generation: started.generation });
      return started;
    }
    partition.declarations.forgotten(workflow);
  }
}

/**
 * The same for whoever waits for the run's end, which is told to this process: `expected` listens since before the start, and
 * is undefined where the run was there.
 */
export async function startAndExpect(
  starting: Starting & { readonly partition: Pick<Partition, 'waits' | 'mailbox' | 'listen'> },
): Promise<{ readonly started: Started; readonly expected: Hearing | undefined }> {
  const { partition, request } = starting;
  void partition.listen();
  const expected = partition.waits.expect(request.run);
  let isTold = false;
  try {
    const started = await startIn({ ...starting, request: { ...request, mailbox: partition.mailbox } });
    isTold = started.word !== 'exists';
    return { started, expected: isTold ? expected : undefined };
  } finally {
    if (!isTold) expected.settle(undefined);
  }
}

function placeIn({ loops }: Pick<Partition, 'loops'>, workflow: AnyWorkflow): Place | undefined {
  for (const loop of loops) {
    const place = loop.placeFor(workflow.name);
    if (place) return place;
  }
  return undefined;
}
