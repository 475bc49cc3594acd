/** `holdfast queue show`: the tasks of a queue in one state, or one task. */

import { formatDuration } from '@holdfast/kernel';
import type { LogLine, TaskInfo, TaskState } from '@holdfast/queue';
import { type Arguments, masked } from '../../arguments.js';
import type { Command } from '../../command.js';
import { EXIT } from '../../exit-codes.js';
import { CODEC, JSON_OUTPUT, LIMIT, PREFIX, REDIS, SERVED, STATE } from '../../options.js';
import type { ServedQueue } from '../../served/queue.js';
import { renderTable } from '../../table.js';
import { type Call, ID_OPERAND, OF_EVERY_ACTION, onServedQueue, QUEUE_OPERAND } from './opened.js';

export const show: Command = {
  ...OF_EVERY_ACTION,
  name: 'show',
  summary: 'Show the tasks in one state (--state), or one task.',
  operands: [QUEUE_OPERAND, ID_OPERAND],
  about: 'Lists tasks, those first that are next. With an id, it shows that task alone.',
  options: [REDIS, PREFIX, CODEC, ...SERVED, STATE, LIMIT, JSON_OUTPUT],
  example: 'holdfast queue show images --state dead --redis redis://127.0.0.1:6379',
  run: (args, ...rest) => {
    if (args.operands.length > 1) refuseListOptions(args);
    return onServedQueue((call) => (call.id === undefined ? showList(call) : showTask(call, call.id)))(
      args,
      ...rest,
    );
  },
};

function refuseListOptions(args: Arguments): void {
  for (const option of [STATE, LIMIT]) {
    if (args.text(option) !== undefined)
      throw args.wrong(`--${option.name} is for lists; leave it out with an id`);
  }
}

async function showTask({ args, context, queue }: Call<ServedQueue>, id: string): Promise<number> {
  const task = await queue.get(id);
  if (task === undefined) throw args.wrong(`there is no task "${masked(id)}" in "${queue.name}"`);
  const [log, fanIn] = await Promise.all([queue.log(id), queue.fanIn(id)]);
  const known = { ...task, ...(fanIn && { fanIn }) };
  const json = JSON.stringify({ ...known, ...(log.length > 0 && { log }) });
  context.stdout.write(`${args.has(JSON_OUTPUT) ? json : describe(known, log)}\n`);
  return EXIT.ok;
}

async function showList({ args, context, queue }: Call<ServedQueue>): Promise<number> {
  const state = stateOf(args);
  const { tasks } = await queue.list(state, { limit: args.count(LIMIT, 1, 1_000) ?? 20 });
  const rows = tasks.map((task) => [
    task.id,
    task.key ?? '',
    short(task),
    task.errors?.at(-1)?.message ?? task.reason ?? '',
  ]);
  const table = renderTable([
    ['id', 'key', state === 'completed' ? 'result' : 'data', 'last error'],
    ...rows,
  ]);
  context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(tasks) : table}\n`);
  return EXIT.ok;
}

const STATES: readonly TaskState[] = ['waiting', 'active', 'delayed', 'dead', 'completed', 'cancelled'];

function stateOf(args: Arguments): TaskState {
  const text = args.text(STATE) ?? 'waiting';
  const state = STATES.find((known) => known === text);
  if (state === undefined) throw args.wrong(`--state is one of ${STATES.join(', ')}; got "${masked(text)}"`);
  return state;
}

const short = ({ state, data, result, encoded }: TaskInfo): string => {
  if (encoded !== undefined) return '(encoded)';
  const text = JSON.stringify(state === 'completed' ? result : data) ?? '';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

const TIMES: readonly string[] = ['added', 'begun', 'ended'];

const timeOf = (at: unknown): string => new Date(Number(at)).toISOString();

function describe({ errors = [], ...task }: TaskInfo, log: readonly LogLine[]): string {
  const rows = Object.entries(task).map(([name, value]) => [
    name,
    TIMES.includes(name) ? timeOf(value) : typeof value === 'string' ? value : (JSON.stringify(value) ?? ''),
  ]);
  const failures = errors.map(({ attempt, at, duration, worker, message, cause = '' }) => [
    ...[String(attempt), timeOf(at), duration === undefined ? '' : formatDuration(duration), worker],
    `${message} ${cause.replaceAll(/\s*\n\s*/g, '; ')}`.trimEnd(),
  ]);
  const lines = log.map(({ at, attempt, text }) => [timeOf(at), String(attempt), text]);
  return [
    renderTable(rows),
    ...(failures.length > 0
      ? [renderTable([['attempt', 'at', 'took', 'worker', 'error'], ...failures])]
      : []),
    ...(lines.length > 0 ? [renderTable([['logged at', 'attempt', 'line'], ...lines])] : []),
  ].join('\n\n');
}
