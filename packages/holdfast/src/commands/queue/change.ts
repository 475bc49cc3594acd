/**
 * `holdfast queue reschedule`, `promote` and `change`: change a task that waits.
 *
 * Guarantees: a task that a worker has, or that has ended, stays as it is, and the command says so.
 */
import type { Change, ChangeOutcome } from '@holdfast/queue';
import { type Arguments, masked } from '../../arguments.js';
import type { Command } from '../../command.js';
import {
  CHANGED_DATA,
  CHANGED_PRIORITY,
  CODEC,
  DUE_AT,
  DUE_IN,
  JSON_OUTPUT,
  PREFIX,
  REDIS,
} from '../../options.js';
import { answer, type Call, ID_OPERAND, OF_EVERY_ACTION, onQueue, QUEUE_OPERAND } from './opened.js';

const TASK_OPERANDS = [QUEUE_OPERAND, { ...ID_OPERAND, optional: false }];

export const reschedule: Command = {
  ...OF_EVERY_ACTION,
  name: 'reschedule',
  summary: 'Let a task begin at another time.',
  operands: TASK_OPERANDS,
  about: 'One that is delayed, that waits for its next attempt, or that could begin.',
  options: [REDIS, PREFIX, DUE_AT, DUE_IN, JSON_OUTPUT],
  example: 'holdfast queue reschedule images cat-7 --in 2h',
  run: onQueue(async (call) => {
    const { args, id = '' } = call;
    const [at, delay] = [timeOf(args), args.duration(DUE_IN)];
    if ((at === undefined) === (delay === undefined)) throw args.wrong('give --at or --in');
    const due = at === undefined ? { delay: delay ?? 0 } : { at };
    return report(call, await call.queue.reschedule(id, due), 'is rescheduled');
  }),
};

export const promote: Command = {
  ...OF_EVERY_ACTION,
  name: 'promote',
  summary: 'Let a delayed task begin now.',
  operands: TASK_OPERANDS,
  about: 'Also one that waits for its next attempt.',
  options: [REDIS, PREFIX, JSON_OUTPUT],
  example: 'holdfast queue promote images cat-7 --redis redis://127.0.0.1:6379',
  run: onQueue(async (call) => report(call, await call.queue.promote(call.id ?? ''), 'is due')),
};

export const change: Command = {
  ...OF_EVERY_ACTION,
  name: 'change',
  summary: 'Change the data or the priority of a waiting task.',
  operands: TASK_OPERANDS,
  about: 'Both together or neither; a schema of the queue is not asked.',
  options: [REDIS, PREFIX, CODEC, CHANGED_DATA, CHANGED_PRIORITY, JSON_OUTPUT],
  example: 'holdfast queue change images cat-7 --priority 9',
  run: onQueue(async (call) => {
    const changes = changesOf(call.args);
    return report(call, await call.queue.change(call.id ?? '', changes), 'is changed');
  }),
};

function report(call: Call, outcome: ChangeOutcome, what: string): number {
  const { id = '', queue, args } = call;
  if (outcome === 'changed') return answer(call, { changed: id }, `${id} ${what}.`);
  if (outcome === 'unknown') throw args.wrong(`there is no task "${masked(id)}" in "${queue.name}"`);
  throw args.wrong(`"${masked(id)}" ${outcome === 'active' ? 'runs' : 'has ended'}, and stays as it is`);
}

function timeOf(args: Arguments): number | undefined {
  const text = args.text(DUE_AT);
  if (text === undefined) return undefined;
  const at = /^\d{4}-\d\d-\d\d(T.+)?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (at >= 0) return at;
  throw args.wrong(`--at is a time (2026-01-31, 2026-01-31T12:00Z); got "${masked(text)}"`);
}

function changesOf(args: Arguments): Change<unknown> {
  const text = args.text(CHANGED_DATA);
  const priority = args.count(CHANGED_PRIORITY, 0, 9);
  if (text === undefined && priority === undefined) throw args.wrong('give --data, --priority or both');
  return {
    ...(text !== undefined && { data: dataOf(args, text) }),
    ...(priority !== undefined && { priority }),
  };
}

function dataOf(args: Arguments, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw args.wrong('--data is not JSON');
  }
}
