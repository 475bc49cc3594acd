/**
 * A workflow app behind a server, as the actions of `holdfast workflow` see one in Redis. The server knows one app.
 *
 * Guarantees: each call is one operation of the server for each workflow that it is about. What was done to many runs before a
 * failure stays done. A list that the server cannot give whole is refused, not cut.
 */
import type { Client } from '@holdfast/client';
import type {
  EventsOptions,
  Many,
  ManyOptions,
  OpenedWorkflows,
  RunFilter,
  RunInfo,
  ScheduleInfo,
  WorkflowEvent,
} from '@holdfast/workflow';
import { runThrough, type ServedRun } from './run.js';
import { ifKnown } from './server.js';

/** What a server has an operation for. */
export interface ServedApp
  extends Pick<
    OpenedWorkflows,
    | ('names' | 'counts' | 'list' | 'pause' | 'resume' | 'schedules' | 'unschedule')
    | ('cancelMany' | 'terminateMany' | 'retryMany' | 'purge')
  > {
  demand(): Promise<Readonly<Record<string, Oldest>>>;
  events(options?: ServedEvents): AsyncIterable<WorkflowEvent>;
  get(workflow: string, id: string, options?: { readonly key?: string }): ServedRun;
  start(workflow: string, input: unknown, options: object): Promise<ServedRun>;
  schedule(name: string, workflow: string, input: unknown, schedule: object): Promise<void>;
}

/** A server gives the events of one workflow. */
interface ServedEvents extends EventsOptions {
  readonly workflow?: string;
}

interface Oldest {
  readonly oldest: number;
  readonly takeovers: number;
  readonly paused: boolean;
}

type ForMany = ManyOptions & { readonly reason?: string };

/** The most runs that the server lists. */
const MOST = 1_000;

export async function appOf({ workflows }: Client): Promise<ServedApp> {
  const { workflows: names } = await workflows.list();
  let counted: ReturnType<typeof workflows.list> | undefined;
  const counting = () => (counted ??= workflows.list({ counts: 'true' }));
  const toMany = (verb: 'cancel' | 'terminate' | 'retry' | 'purge') => async (options: ForMany) => {
    const total = { done: 0, passed: 0 };
    const { workflow, state, from, to, reason } = options;
    for (const name of workflow === undefined ? names : [String(workflow)]) {
      const filter = plain({ state, from: msOf(from), to: msOf(to), reason });
      const { done, passed } = await workflows.many(name, { verb, ...filter } as never);
      total.done += done;
      total.passed += passed;
      options.onProgress?.({ ...total });
    }
    return total as Many;
  };
  const get: ServedApp['get'] = (workflow, id, { key } = {}) => runThrough(workflows, { workflow, id, key });
  return {
    names,
    counts: async (name) => (await counting()).counts?.[String(name)] as never,
    demand: async () => (await counting()).demand ?? {},
    list: (filter) => listOf(workflows, names, filter),
    get,
    async start(workflow, input, options) {
      const { id, key } = await workflows.start(workflow, { input, ...options });
      return get(workflow, id, plain({ key }));
    },
    pause: (name) => workflows.pause(String(name)),
    resume: (name) => workflows.resume(String(name)),
    cancelMany: (options = {}) => toMany('cancel')(options),
    terminateMany: (options = {}) => toMany('terminate')(options),
    retryMany: (options = {}) => toMany('retry')(options),
    purge: (options = {}) => toMany('purge')(options),
    schedules: () => schedulesOf(workflows, names),
    schedule: (name, workflow, input, schedule) =>
      workflows.setSchedule(workflow, name, { input, ...schedule } as never),
    async unschedule(name) {
      const known = (await schedulesOf(workflows, names)).find((each) => each.name === name);
      if (known === undefined) return false;
      const answer = workflows.deleteSchedule(known.workflow, name).then(() => true);
      return (await ifKnown(answer)) ?? false;
    },
    events: (options) => eventsOf(workflows, options),
  };
}

async function* listOf(
  workflows: Client['workflows'],
  names: readonly string[],
  { workflow, state, from, to }: RunFilter = {},
): AsyncGenerator<RunInfo, void> {
  for (const name of workflow === undefined ? names : [String(workflow)]) {
    const filter = plain({ state, from: msOf(from), to: msOf(to), limit: MOST });
    let cursor: string | undefined;
    do {
      const { runs, next } = await workflows.runs(name, { ...filter, ...(cursor && { cursor }) } as never);
      for (const { workflow: of, id, key, state: is, since } of runs)
        yield { workflow: of, id, key, state: is as RunInfo['state'], since: new Date(since) };
      cursor = next;
    } while (cursor !== undefined);
  }
}

async function schedulesOf(
  workflows: Client['workflows'],
  names: readonly string[],
): Promise<ScheduleInfo[]> {
  const lists = await Promise.all(
    names.map(async (workflow) => {
      const { schedules } = await workflows.schedules(workflow);
      return schedules.map((each) => ({ ...each, workflow, next: new Date(each.next) }));
    }),
  );
  return lists
    .flat()
    .sort((one, other) => one.next.getTime() - other.next.getTime()) as unknown as ScheduleInfo[];
}

async function* eventsOf(
  workflows: Client['workflows'],
  { after, signal, workflow = '' }: ServedEvents = {},
): AsyncGenerator<WorkflowEvent, void> {
  const events = workflows.events(workflow, plain({ after }), plain({ signal }));
  for await (const { id, event, data } of events)
    yield { ...(data as object), kind: event, cursor: id } as WorkflowEvent;
}

const msOf = (time: Date | number | undefined): number | undefined =>
  time === undefined ? undefined : Math.round(Number(time));

const plain = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
