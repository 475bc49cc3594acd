/** The actions of `holdfast queue` that change something: `retry`, `cancel`, `release`, `weigh`, `pause`, `resume`, `purge`. */
import { masked } from '../../arguments.js';
import type { Command } from '../../command.js';
import {
  CANCEL_REASON,
  CODEC,
  ERROR,
  JSON_OUTPUT,
  MOST,
  PREFIX,
  PURGED_STATE,
  REDIS,
  SERVED,
  TASK_KEY,
  WEIGHT,
} from '../../options.js';
import type { ServedQueue } from '../../served/queue.js';
import {
  answer,
  type Call,
  ID_OPERAND,
  OF_EVERY_ACTION,
  onQueue,
  onServedQueue,
  QUEUE_OPERAND,
} from './opened.js';

export const retry: Command = {
  ...OF_EVERY_ACTION,
  name: 'retry',
  summary: 'Let a dead letter be tried again, or many of them.',
  operands: [QUEUE_OPERAND, ID_OPERAND],
  about: 'A task that is tried again begins with its first attempt.',
  options: [REDIS, PREFIX, CODEC, ...SERVED, ERROR, TASK_KEY, MOST, JSON_OUTPUT],
  example: 'holdfast queue retry images --error timeout --redis redis://127.0.0.1:6379',
  run: onServedQueue(requeue),
};

export const cancel: Command = {
  ...OF_EVERY_ACTION,
  name: 'cancel',
  summary: 'End a task that waits, or that a worker has.',
  operands: [QUEUE_OPERAND, { ...ID_OPERAND, optional: false }],
  about: 'A running handler is told by its signal; nothing that it returns counts.',
  options: [REDIS, PREFIX, ...SERVED, CANCEL_REASON, JSON_OUTPUT],
  example: 'holdfast queue cancel images cat-7 --redis redis://127.0.0.1:6379',
  run: onServedQueue(async (call) => {
    const id = call.id ?? '';
    const reason = call.args.text(CANCEL_REASON);
    if (!(await call.queue.cancel(id, { ...(reason !== undefined && { reason }) })))
      throw call.args.wrong(`"${masked(id)}" is no task of "${call.queue.name}" that waits or runs`);
    return answer(call, { cancelled: id }, `${id} is cancelled.`);
  }),
};

export const release: Command = {
  ...OF_EVERY_ACTION,
  name: 'release',
  summary: 'End the window of a deduplication key.',
  operands: [QUEUE_OPERAND, { name: 'key', about: 'the deduplication key' }],
  about: 'Another task may be added under the key then; the first one goes on.',
  options: [REDIS, PREFIX, JSON_OUTPUT],
  example: 'holdfast queue release images cat-7 --redis redis://127.0.0.1:6379',
  run: onQueue(async (call) => {
    const key = call.id ?? '';
    if (!(await call.queue.release(key)))
      throw call.args.wrong(`the deduplication key "${masked(key)}" has no window in "${call.queue.name}"`);
    return answer(call, { released: key }, `${key} is free.`);
  }),
};

export const weigh: Command = {
  ...OF_EVERY_ACTION,
  name: 'weigh',
  summary: 'Set how many tasks of a tenant begin in a turn.',
  operands: [QUEUE_OPERAND, { name: 'tenant', about: 'the tenant' }],
  about: 'Kept with the queue, for all workers at once.',
  options: [REDIS, PREFIX, WEIGHT, JSON_OUTPUT],
  example: 'holdfast queue weigh images acme --weight 3 --redis redis://127.0.0.1:6379',
  run: onQueue(async (call) => {
    const tenant = call.id ?? '';
    const weight = call.args.count(WEIGHT, 1, 1_000);
    if (weight === undefined) throw call.args.wrong('--weight is missing: how many tasks begin in a turn');
    await call.queue.weigh(tenant, weight);
    return answer(call, { weighed: tenant, weight }, `${masked(tenant)} has a weight of ${weight}.`);
  }),
};

export const pause: Command = {
  ...OF_EVERY_ACTION,
  name: 'pause',
  summary: 'Give no tasks to workers, until "resume".',
  operands: [QUEUE_OPERAND],
  about: 'Tasks that have begun go on.',
  options: [REDIS, PREFIX, ...SERVED, JSON_OUTPUT],
  example: 'holdfast queue pause images --redis redis://127.0.0.1:6379',
  run: onServedQueue(async (call) => {
    await call.queue.pause();
    return answer(
      call,
      { paused: call.queue.name },
      `"${call.queue.name}" gives no tasks until it is resumed.`,
    );
  }),
};

export const resume: Command = {
  ...OF_EVERY_ACTION,
  name: 'resume',
  summary: 'End the pause.',
  operands: [QUEUE_OPERAND],
  about: 'Tasks are given to workers again; a breaker that has opened closes.',
  options: [REDIS, PREFIX, ...SERVED, JSON_OUTPUT],
  example: 'holdfast queue resume images --redis redis://127.0.0.1:6379',
  run: onServedQueue(async (call) => {
    await call.queue.resume();
    return answer(call, { resumed: call.queue.name }, `"${call.queue.name}" gives tasks again.`);
  }),
};

const PURGED_STATES = ['waiting', 'delayed', 'dead'] as const;

export const purge: Command = {
  ...OF_EVERY_ACTION,
  name: 'purge',
  summary: 'Remove all tasks in one state (--state).',
  operands: [QUEUE_OPERAND],
  about: 'Tasks that a worker has stay.',
  options: [REDIS, PREFIX, ...SERVED, PURGED_STATE, JSON_OUTPUT],
  example: 'holdfast queue purge images --state dead --redis redis://127.0.0.1:6379',
  run: onServedQueue(async (call) => {
    const text = call.args.text(PURGED_STATE) ?? 'dead';
    const state = PURGED_STATES.find((known) => known === text);
    if (state === undefined) {
      throw call.args.wrong(`--state is one of ${PURGED_STATES.join(', ')}; got "${masked(text)}"`);
    }
    const removed = await call.queue.purge(state);
    return answer(call, { removed }, `${removed} ${state} tasks were removed.`);
  }),
};

async function requeue(call: Call<ServedQueue>): Promise<number> {
  const { id } = call;
  if (id !== undefined) {
    for (const option of [ERROR, TASK_KEY, MOST]) {
      if (call.args.text(option) !== undefined)
        throw call.args.wrong(`--${option.name} is for many dead letters; leave it out with an id`);
    }
    if (await call.queue.requeue(id)) return answer(call, { requeued: 1 }, `${id} is tried again.`);
    if ((await call.queue.get(id)) === undefined)
      throw call.args.wrong(`there is no dead letter "${masked(id)}" in "${call.queue.name}"`);
    throw call.args.wrong(
      `"${masked(id)}" is no dead letter of "${call.queue.name}", or was added again: then let that task end first`,
    );
  }
  const error = call.args.text(ERROR);
  const key = call.args.text(TASK_KEY);
  const limit = call.args.count(MOST, 1, Number.MAX_SAFE_INTEGER);
  const requeued = await call.queue.requeueAll({
    ...(error !== undefined && { error }),
    ...(key !== undefined && { key }),
    ...(limit !== undefined && { limit }),
  });
  return answer(call, { requeued }, `${requeued} dead letters are tried again.`);
}
