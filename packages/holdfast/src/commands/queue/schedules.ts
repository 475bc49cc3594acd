/** `holdfast queue schedules`: the schedules of a queue; runs one now, or removes one. */

import { formatDuration } from '@holdfast/kernel';
import type { ScheduleInfo } from '@holdfast/queue';
import { masked } from '../../arguments.js';
import type { Command } from '../../command.js';
import { EXIT } from '../../exit-codes.js';
import { CODEC, JSON_OUTPUT, PREFIX, REDIS, REMOVE_SCHEDULE, RUN_SCHEDULE, SERVED } from '../../options.js';
import type { ServedQueue } from '../../served/queue.js';
import { renderTable } from '../../table.js';
import { answer, type Call, OF_EVERY_ACTION, onServedQueue, QUEUE_OPERAND } from './opened.js';

export const schedules: Command = {
  ...OF_EVERY_ACTION,
  name: 'schedules',
  summary: 'List schedules; run one now, or remove one.',
  operands: [QUEUE_OPERAND],
  about: 'Lists the schedules that have a tick to come, those first that are next.',
  options: [REDIS, PREFIX, CODEC, ...SERVED, RUN_SCHEDULE, REMOVE_SCHEDULE, JSON_OUTPUT],
  example: 'holdfast queue schedules reports --run nightly',
  run: onServedQueue(async (call) => {
    const { args } = call;
    const [run, remove] = [args.text(RUN_SCHEDULE), args.text(REMOVE_SCHEDULE)];
    if (run !== undefined && remove !== undefined) throw args.wrong('give --run or --remove, not both');
    if (run !== undefined) return runNow(call, run);
    return remove === undefined ? list(call) : removeOne(call, remove);
  }),
};

async function runNow(call: Call<ServedQueue>, name: string): Promise<number> {
  const id = await call.queue.runSchedule(name);
  if (id !== undefined) return answer(call, { added: id }, `${id} is added.`);
  throw call.args.wrong(
    `"${masked(name)}" is no schedule of "${call.queue.name}" with a tick to come, or its last task has not ended`,
  );
}

async function removeOne(call: Call<ServedQueue>, name: string): Promise<number> {
  if (await call.queue.unschedule(name)) return answer(call, { removed: name }, `"${name}" is removed.`);
  throw call.args.wrong(`there is no schedule "${masked(name)}" of "${call.queue.name}"`);
}

async function list({ args, context, queue }: Call<ServedQueue>): Promise<number> {
  const all = await queue.schedules();
  const rows = all.map((schedule) => [
    ...[schedule.name, timesOf(schedule), schedule.next.toISOString(), restOf(schedule)],
  ]);
  const table = renderTable([['schedule', 'times', 'next', ''], ...rows]);
  context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(all) : table}\n`);
  return EXIT.ok;
}

const timesOf = ({ cron, every, timezone = 'UTC' }: ScheduleInfo): string =>
  every === undefined ? `${cron} ${timezone}` : `every ${formatDuration(every)}`;

function restOf({ start, end, count, overlap = 'allow' }: ScheduleInfo): string {
  const day = (at: Date | number): string => new Date(at).toISOString();
  return [
    ...(start === undefined ? [] : [`from ${day(start)}`]),
    ...(end === undefined ? [] : [`until ${day(end)}`]),
    ...(count === undefined ? [] : [`${count} times`]),
    ...(overlap === 'skip' ? ['no overlap'] : []),
  ].join(', ');
}
