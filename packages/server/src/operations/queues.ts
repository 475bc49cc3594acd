/**
 * Operations on queues: adding tasks, looking at them, and ending them. Of a queue as a whole: administration.ts; remote workers:
 * claims.ts.
 *
 * Guarantees: a task that was answered with 201 is in Redis. Data, results and stacks are shown only to callers with the
 * right queues:data.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AddOptions, Queue, TaskInfo } from '@holdfast/queue';
import { z } from 'zod';
import type { Caller } from '../auth/caller.js';
import { NotFoundError, RequestError } from '../errors.js';
import { problemOf } from '../http/problem.js';
import { taskThing } from '../quotas/alive.js';
import { bytesOf, type Fate } from '../quotas/quotas.js';
import { ADMIN, inQueue, onQueue, QUEUE } from './in-queue.js';
import { type Answer, type Call, operation, type StreamEvent } from './operation.js';
import { holder, type NewTask, newTask, shownTask, taskState } from './tasks.js';
import { holderOf } from './under.js';
import { count, id, none, queueName, wait } from './values.js';

const ofTask = z.strictObject({ queue: queueName, id });
const TASK = { queue: 'images', id: 'cat' };
const READ = { right: 'queues:read', judgedBy: 'queue' } as const;
const WRITE = { right: 'queues:write', judgedBy: 'queue' } as const;

const added = z.object({
  id,
  added: z.boolean().describe('False if the task was there already.'),
});

const noTask = (queue: string, id: string): NotFoundError =>
  new NotFoundError(`Nothing is known of a task "${id}" in "${queue}".`);

/** A task as a caller may see it. */
function shown(task: TaskInfo, caller: Caller, queue: string): object {
  if (caller.may('queues:data', queue)) return task;
  const { data: _, result: __, progress: ___, errors, ...rest } = task;
  return {
    ...rest,
    ...(errors && { errors: errors.map(({ stack: _, cause: __, ...error }) => error) }),
  };
}

const countsOfQueue = z
  .object({
    waiting: z.int(),
    active: z.int(),
    delayed: z.int(),
    dead: z.int(),
    completed: z.int().describe('Those whose results are kept.'),
    cancelled: z.int().describe('Those whose reasons are kept.'),
    paused: z.boolean(),
    breaker: z.enum(['closed', 'open', 'half-open']),
    oldest: z.number().describe('How long the task that is next has waited, in ms.'),
    workers: z.int(),
    totals: z.looseObject({ completed: z.int(), failed: z.int(), retried: z.int() }),
  })
  .meta({ id: 'Counts' });

export const list = operation({
  id: 'queues.list',
  method: 'GET',
  path: '/v1/queues',
  summary: 'List the queues that the key may read.',
  right: 'queues:read',
  params: none,
  query: z.strictObject({
    counts: z.enum(['true', 'false']).default('false').describe('Whether to count their tasks, too.'),
  }),
  answers: {
    200: {
      description: 'Their names, in order.',
      schema: z.object({
        queues: z.array(queueName),
        counts: z.record(queueName, countsOfQueue).optional(),
      }),
    },
  },
  example: {},
  async run({ systems, caller, query }) {
    const names = await systems.queueNames();
    const queues = names.filter((name) => caller.may('queues:read', name));
    if (query.counts === 'false') return { status: 200, body: { queues } };
    const counts = await Promise.all(
      queues.map((name) => systems.withQueue(name, async (queue) => [name, await queue.counts()])),
    );
    return { status: 200, body: { queues, counts: Object.fromEntries(counts) } };
  },
});

export const counts = operation({
  id: 'queues.counts',
  method: 'GET',
  path: '/v1/queues/{queue}',
  summary: 'Count the tasks of a queue by their states.',
  ...READ,
  params: inQueue,
  query: none,
  answers: {
    200: {
      description: 'The counts, and totals since the queue exists.',
      schema: countsOfQueue,
    },
  },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: QUEUE },
  run: (call) => onQueue(call, async (queue) => ({ status: 200, body: await queue.counts() })),
});

export const add = operation({
  id: 'queues.add',
  method: 'POST',
  path: '/v1/queues/{queue}/tasks',
  summary: 'Add a task.',
  description:
    'A queue exists from its first task on. With an Idempotency-Key it may be repeated for a day: the task is added once; 422 says that the key was used for other data. With a `holder`, 412 says that a higher token was used for its resource: stop its work. What is repeated may then have been added by the first call.',
  ...WRITE,
  params: inQueue,
  query: none,
  body: newTask,
  answers: {
    201: { description: 'It was added.', schema: added },
    200: {
      description: 'A task of this id, or with this deduplication key, was there already.',
      schema: added,
    },
  },
  problems: ['HOLDFAST_QUEUE_FULL', 'HOLDFAST_QUOTA_EXCEEDED', 'HOLDFAST_STALE_TOKEN'],
  example: { params: QUEUE, body: { data: { url: 'https://example.org/cat.png' }, id: 'cat' } },
  run: (call) =>
    call.systems.withQueue(call.params.queue, async (queue) => {
      const { systems, caller, params } = call;
      const { data, ...given } = named(call, call.body);
      const once = onlyOnce(call);
      const options = { ...once, ...given, ...underIn(call, given) } as AddOptions;
      const result = await systems.quotas.store(
        caller,
        { kind: 'tasks', item: () => itemOf(params.queue, data, options) },
        () => queue.add(data, options),
        (added) => fateOf(params.queue, added, options),
      );
      if (once.id !== undefined && !result.added) await requireSame(queue, result.id, data);
      return { status: result.added ? 201 : 200, body: result };
    }),
});

type Adding = Pick<Call<{ queue: string }>, 'systems' | 'caller' | 'params' | 'idempotencyKey'>;

/** The holder of a task, or of a batch, as the queue takes it. Throws RequestError, ForbiddenError. */
const underIn = (call: Pick<Call, 'systems' | 'caller'>, { holder: of }: Pick<NewTask, 'holder'>) =>
  of && { holder: holderOf(call, of) };

/** A task has an id before it is added where it is counted: if the answer is lost, it can be looked up. */
function named<Task extends { readonly id?: string | undefined }>(
  { systems, caller, idempotencyKey }: Adding,
  task: Task,
): Task {
  const hasId = task.id !== undefined || idempotencyKey !== undefined;
  if (hasId || !systems.quotas.counts(caller, 'tasks')) return task;
  return { ...task, id: `${systems.random.id()}${systems.random.id()}` };
}

/** A task as it is counted against a quota. */
const itemOf = (queue: string, data: unknown, { id = '' }: AddOptions) => ({
  thing: taskThing(queue, id),
  bytes: bytesOf(data),
});

/** One that was there already has our data now, if it keeps the last. */
function fateOf(queue: string, { id, added }: { id: string; added: boolean }, options: AddOptions): Fate {
  if (added) return 'stored';
  const { keep } = Object(options.deduplicate) as { keep?: unknown };
  return keep === 'last' ? { insteadOf: taskThing(queue, id) } : 'there';
}

/** The options by which a task that is added again, with the same Idempotency-Key, is the same task. */
function onlyOnce({ caller, params, idempotencyKey }: Call<{ queue: string }>): AddOptions {
  if (idempotencyKey === undefined) return {};
  const text = JSON.stringify([caller.subject, params.queue, idempotencyKey]);
  const id = `h.${createHash('sha256').update(text).digest('base64url')}`;
  return { id, deduplicate: { key: id, within: 86_400_000 } };
}

/** Throws RequestError if the task that is there has other data, as far as they are known. */
async function requireSame(queue: Queue, id: string, data: unknown): Promise<void> {
  const task = await queue.get(id);
  if (task?.data === undefined || isDeepStrictEqual(task.data, data)) return;
  throw new RequestError('The Idempotency-Key was used for a task with other data; nothing was added.', {
    status: 422,
    fields: [{ field: 'header.idempotency-key', message: 'was used for other data' }],
  });
}

export const addMany = operation({
  id: 'queues.addMany',
  method: 'POST',
  path: '/v1/queues/{queue}/tasks:batch',
  summary: 'Add up to 1000 tasks.',
  description:
    'Each is added or refused by itself: the answer has an outcome for each, in their order, and 207 says that some were refused. Where a quota of the key has no room for all, none is added.',
  ...WRITE,
  params: inQueue,
  query: none,
  body: z.strictObject({
    tasks: z.array(newTask).min(1).max(1_000),
    holder: holder.optional().describe('Of the tasks that have none of their own.'),
  }),
  answers: {
    201: { description: 'All were added.', schema: z.object({ tasks: z.array(added) }) },
    207: {
      description: 'Some were refused: those have a problem in the place of an id.',
      schema: z.object({ tasks: z.array(z.union([added, z.object({ problem: z.looseObject({}) })])) }),
    },
  },
  problems: ['HOLDFAST_QUEUE_FULL', 'HOLDFAST_QUOTA_EXCEEDED', 'HOLDFAST_STALE_TOKEN'],
  example: { params: QUEUE, body: { tasks: [{ data: 1 }, { data: 2, key: 'user:7' }] } },
  run: (call) =>
    call.systems.withQueue(call.params.queue, async (queue) => {
      const { systems, caller, params } = call;
      const adding = { systems, caller, params, idempotencyKey: undefined };
      const common = underIn(call, call.body);
      const tasks = call.body.tasks.map((task) => {
        const { data, ...options } = named(adding, task);
        return { data, options: { ...options, ...common, ...underIn(call, task) } as AddOptions };
      });
      const settled = await systems.quotas.storeAll(
        caller,
        {
          kind: 'tasks',
          items: () => tasks.map(({ data, options }) => itemOf(params.queue, data, options)),
        },
        () => Promise.allSettled(tasks.map(({ data, options }) => queue.add(data, options))),
        (added, index) => fateOf(params.queue, added, tasks[index]?.options ?? {}),
      );
      const refused = settled.filter((one) => one.status === 'rejected');
      if (refused.length === tasks.length) throw refused[0]?.reason;
      const body = {
        tasks: settled.map((one) =>
          one.status === 'fulfilled' ? one.value : { problem: problemOf(one.reason) },
        ),
      };
      return { status: refused.length > 0 ? 207 : 201, body };
    }),
});

export const get = operation({
  id: 'queues.get',
  method: 'GET',
  path: '/v1/queues/{queue}/tasks/{id}',
  summary: 'Look up a task, or wait for its end.',
  ...READ,
  params: ofTask,
  query: z.strictObject({
    wait: wait.describe('How long to wait for its end, in ms: up to 30000. Default 0.'),
  }),
  answers: {
    200: { description: 'The task, as it is by then: it need not have ended.', schema: shownTask },
  },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: TASK },
  run: ({ systems, params, query, caller, signal }) =>
    systems.withQueue(params.queue, async (queue): Promise<Answer> => {
      let task = await queue.get(params.id);
      if (task && query.wait > 0 && ['waiting', 'active', 'delayed'].includes(task.state)) {
        await untilEnd(queue, params.id, AbortSignal.any([signal, AbortSignal.timeout(query.wait)]));
        task = await queue.get(params.id);
      }
      if (task === undefined) throw noTask(params.queue, params.id);
      return { status: 200, body: shown(task, caller, params.queue) };
    }),
});

/** Resolves when a task has ended, however, or `signal` aborts. */
async function untilEnd(queue: Queue, id: string, signal: AbortSignal): Promise<void> {
  await queue.wait(id, { signal }).catch(() => {}); // what became of it is read afterwards
}

export const log = operation({
  id: 'queues.log',
  method: 'GET',
  path: '/v1/queues/{queue}/tasks/{id}/log',
  summary: 'Read what the handlers of a task have logged, and how far the tasks are that it waits for.',
  right: 'queues:data',
  judgedBy: 'queue',
  params: ofTask,
  query: none,
  answers: {
    200: {
      description: 'The lines, in their order.',
      schema: z.object({
        lines: z.array(
          z.object({ at: z.number(), attempt: z.int(), text: z.string(), encoded: z.string().optional() }),
        ),
        fanIn: z
          .object({ tasks: z.int(), left: z.int().describe('How many have not ended.') })
          .optional()
          .describe('Of a task that follows others.'),
      }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: TASK },
  run: (call) =>
    onQueue(call, async (queue) => {
      const [lines, fanIn] = await Promise.all([queue.log(call.params.id), queue.fanIn(call.params.id)]);
      return { status: 200, body: { lines, ...(fanIn && { fanIn }) } };
    }),
});

export const tasks = operation({
  id: 'queues.tasks',
  method: 'GET',
  path: '/v1/queues/{queue}/tasks',
  summary: 'List the tasks of a queue in one state.',
  description: 'Those that are next come first; of dead letters, the oldest; of completed tasks, the latest.',
  ...READ,
  params: inQueue,
  query: z.strictObject({
    state: taskState.default('waiting'),
    cursor: z.string().max(1_000).optional().describe('The `next` of the page before.'),
    limit: count(1, 1_000).default(100),
  }),
  answers: {
    200: {
      description: 'A page.',
      schema: z.object({
        tasks: z.array(shownTask),
        next: z.string().optional().describe('The cursor of the next page; absent on the last.'),
      }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: QUEUE, query: { state: 'dead', limit: '10' } },
  run: (call) =>
    onQueue(call, async (queue) => {
      const { state, cursor, limit } = call.query;
      const page = await queue.list(state, { after: cursor, limit });
      const tasks = page.tasks.map((task) => shown(task, call.caller, queue.name));
      return { status: 200, body: { tasks, ...(page.next !== undefined && { next: page.next }) } };
    }),
});

export const remove = operation({
  id: 'queues.remove',
  method: 'DELETE',
  path: '/v1/queues/{queue}/tasks/{id}',
  summary: 'Remove a task that nobody works on, or a dead letter.',
  ...ADMIN,
  params: ofTask,
  query: none,
  answers: { 204: { description: 'It is gone.' } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: TASK },
  run: (call) =>
    onQueue(call, async (queue) => {
      if (await queue.remove(call.params.id)) return { status: 204 };
      throw noTask(queue.name, call.params.id);
    }),
});

export const cancel = operation({
  id: 'queues.cancel',
  method: 'POST',
  path: '/v1/queues/{queue}/tasks/{id}:cancel',
  summary: 'End a task without a result, whether it waits or a worker has it.',
  ...WRITE,
  params: ofTask,
  query: none,
  body: z.strictObject({
    reason: z.string().max(1_000).optional().describe('Whoever waits for the task is told.'),
  }),
  answers: { 204: { description: 'It is cancelled: it neither completes nor is tried again.' } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: TASK, body: { reason: 'not needed any more' } },
  run: (call) =>
    onQueue(call, async (queue) => {
      const { reason } = call.body;
      if (await queue.cancel(call.params.id, reason === undefined ? {} : { reason })) return { status: 204 };
      throw noTask(queue.name, call.params.id);
    }),
});

export const requeue = operation({
  id: 'queues.requeue',
  method: 'POST',
  path: '/v1/queues/{queue}/tasks/{id}:requeue',
  summary: 'Let a dead letter be tried again, from its first attempt.',
  ...WRITE,
  params: ofTask,
  query: none,
  answers: { 204: { description: 'It waits again.' } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: TASK },
  run: (call) =>
    onQueue(call, async (queue) => {
      if (await queue.requeue(call.params.id)) return { status: 204 };
      throw new NotFoundError(`There is no dead letter "${call.params.id}" in "${queue.name}".`);
    }),
});

export const events = operation({
  id: 'queues.events',
  streams: true,
  method: 'GET',
  path: '/v1/queues/{queue}/events',
  summary: 'Follow what happens to the tasks of a queue, as server-sent events.',
  description:
    'The id of an event is its cursor: with the header Last-Event-ID, or `after`, the stream goes on after it, as far as events are kept. Results and progress are shown with the right queues:data.',
  ...READ,
  params: inQueue,
  query: z.strictObject({ after: z.string().max(300).optional() }),
  answers: { 200: { description: 'Server-sent events, named by what has happened.' } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: QUEUE },
  run: (call) => onQueue(call, async () => ({ status: 200, events: eventsOf(call) })),
});

async function* eventsOf({
  systems,
  params: { queue: name },
  query: { after: asked },
  caller,
  header,
  signal,
}: Call<{ queue: string }, { after?: string | undefined }>): AsyncGenerator<StreamEvent, void> {
  const { queue, release } = systems.holdQueue(name);
  try {
    const after = header('last-event-id') ?? asked;
    for await (const event of queue.events({ signal, ...(after && { after }) })) {
      const { cursor, kind, ...data } = event;
      if (!caller.may('queues:data', name))
        for (const hidden of ['result', 'progress']) delete data[hidden as never];
      yield { id: cursor, event: kind, data };
    }
  } finally {
    release();
  }
}
