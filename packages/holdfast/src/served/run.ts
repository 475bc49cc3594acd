/**
 * A run behind a server, as the actions of `holdfast workflow` see one in Redis.
 *
 * Guarantees: the same errors for a run that has failed, was cancelled or is stuck, or is not there. What a run was given and
 * has given is there if the key has the right workflows:data.
 */
import type { Client } from '@holdfast/client';
import type { Approval, JournalRecord, Run, RunState, StreamItem } from '@holdfast/workflow';
import { EXIT, ExitError } from '../exit-codes.js';

/** What a server has an operation for. */
export interface ServedRun
  extends Pick<
    Run,
    | (
        | 'workflow'
        | 'id'
        | 'key'
        | 'result'
        | 'status'
        | 'state'
        | 'send'
        | 'approvals'
        | 'approve'
        | 'cancel'
      )
    | ('retry' | 'terminate' | 'purge' | 'history' | 'stream')
  > {
  fork(options?: object): Promise<Pick<Run, 'workflow' | 'id' | 'key'>>;
}

interface Which {
  readonly workflow: string;
  readonly id: string;
  readonly key: string | undefined;
}

/** For how long a request waits for the end of a run, in ms. */
const WAIT = 25_000;

export function runThrough(workflows: Client['workflows'], { workflow, id, key }: Which): ServedRun {
  const keyed = key === undefined ? {} : { key };
  const look = (wait = 0) => workflows.get(workflow, id, { ...keyed, ...(wait > 0 && { wait }) });
  return {
    workflow,
    id,
    key: key as string,
    async result() {
      for (;;) {
        const { status, reason = '', result } = await look(WAIT);
        if (status === 'completed') return result as never;
        const end = ENDS[status];
        if (end !== undefined) throw end({ workflow, id, reason });
      }
    },
    async status() {
      const { status, reason } = await look();
      return { status: status as RunState, reason } as never;
    },
    state: async () => (await look()).state as never,
    async send(name, payload, { id: message } = {}) {
      const options = message === undefined ? {} : { idempotencyKey: message };
      return (await workflows.send(workflow, id, name, { payload }, keyed, options)).sent;
    },
    approvals: async () =>
      (await workflows.approvals(workflow, id, keyed)).approvals as unknown as Approval[],
    approve: async (approval, answer) =>
      (await workflows.approve(workflow, id, { approval, answer }, keyed)).approved,
    cancel: async (reason) => (await workflows.cancel(workflow, id, because(reason), keyed)).cancelled,
    terminate: async (reason) => (await workflows.terminate(workflow, id, because(reason), keyed)).terminated,
    retry: async (options = {}) => (await workflows.retry(workflow, id, options, keyed)).retried,
    purge: async () => (await workflows.purge(workflow, id, keyed)).purged,
    async fork(options = {}) {
      const begun = await workflows.fork(workflow, id, options, keyed);
      return { ...begun, key: begun.key as string };
    },
    history: async () => (await workflows.history(workflow, id, keyed)).records as unknown as JournalRecord[],
    stream: (name, { signal } = {}) => itemsOf(workflows, { workflow, id, name, keyed, signal }) as never,
  };
}

const because = (reason: string | undefined): { reason?: string } => (reason === undefined ? {} : { reason });

interface Ended {
  readonly workflow: string;
  readonly id: string;
  readonly reason: string;
}

const ended =
  (code: string, how: string) =>
  ({ workflow, id, reason }: Ended): ExitError =>
    new ExitError(`The run "${id}" of "${workflow}" ${how}: ${reason}`, { exitCode: EXIT.undone, code });

/** What waiting for the result of a run ends with, by its state. */
const ENDS: Readonly<Record<string, ReturnType<typeof ended>>> = {
  failed: ended('HOLDFAST_RUN_FAILED', 'has failed'),
  cancelled: ended('HOLDFAST_RUN_CANCELLED', 'was cancelled'),
  stuck: ended('HOLDFAST_RUN_STUCK', 'is stuck'),
};

interface Followed {
  readonly workflow: string;
  readonly id: string;
  readonly name: string;
  readonly keyed: { readonly key?: string };
  readonly signal: AbortSignal | undefined;
}

async function* itemsOf(
  workflows: Client['workflows'],
  { workflow, id, name, keyed, signal }: Followed,
): AsyncGenerator<StreamItem, void> {
  const items = workflows.stream(workflow, id, name, keyed, signal ? { signal } : {});
  for await (const { id: position, event, data } of items)
    yield { ...(data as object), kind: event, position } as unknown as StreamItem;
}
