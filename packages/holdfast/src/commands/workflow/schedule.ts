/** `holdfast workflow schedule`: lists, sets or removes what starts runs by the clock. */
import { display, formatDuration } from '@holdfast/kernel';
import type { Schedule, ScheduleInfo } from '@holdfast/workflow';
import { given, masked } from '../../arguments.js';
import type { Command } from '../../command.js';
import { JSON_OUTPUT } from '../../options.js';
import { renderTable } from '../../table.js';
import { answer, type Call, OF_EVERY_ACTION, onApp, PLACE, WORKFLOW_OPERAND, workflowOf } from './opened.js';
import { CRON, EVERY, INPUT, MISSED, PRIORITY, REMOVE, TIMEZONE, WORKS_ON } from './options.js';
import { short } from './short.js';

const TEXTS = [CRON, EVERY, TIMEZONE, MISSED, INPUT, WORKS_ON, PRIORITY];

export const schedule: Command = {
  ...OF_EVERY_ACTION,
  name: 'schedule',
  summary: 'List, set or remove schedules.',
  operands: [
    { name: 'name', about: 'the name of the schedule', optional: true },
    { ...WORKFLOW_OPERAND, optional: true },
  ],
  about: `Without operands, lists all schedules. With a name and a workflow, sets one, in
place of one of that name; with a name and --remove, removes it.`,
  options: [...PLACE, ...TEXTS, REMOVE, JSON_OUTPUT],
  example: 'holdfast workflow schedule nightly report --cron "0 3 * * *"',
  run: onApp((call) => {
    const { args } = call;
    const [name, workflow] = args.operands;
    if (args.has(REMOVE)) return remove(call, name);
    if (name !== undefined && workflow !== undefined) return set(call, name);
    if (name !== undefined) throw args.wrong('name the workflow to schedule, or say --remove');
    const stray = TEXTS.find((option) => args.text(option) !== undefined);
    if (stray) throw args.wrong(`--${stray.name} is for a schedule; give its name and its workflow`);
    return list(call);
  }),
};

async function set(call: Call, name: string): Promise<number> {
  const { args, app } = call;
  const workflow = workflowOf(call, 1) ?? '';
  const times = given({
    ...{ cron: args.text(CRON), every: args.duration(EVERY), timezone: args.text(TIMEZONE) },
    ...{ priority: args.count(PRIORITY, 0, 9), key: args.text(WORKS_ON) },
    // Any other word is refused by the app, with those that there are.
    missed: args.text(MISSED) as Schedule['missed'],
  });
  await app.schedule(name, workflow, args.json(INPUT) ?? null, times);
  return answer(call, { scheduled: name }, `"${name}" starts runs of "${workflow}".`);
}

async function remove(call: Call, name = ''): Promise<number> {
  const stray = call.args.operands[1];
  if (name === '' || stray !== undefined)
    throw call.args.wrong('--remove takes the name of a schedule, and nothing else');
  if (await call.app.unschedule(name)) return answer(call, { removed: name }, `"${name}" was removed.`);
  throw call.args.wrong(
    `there is no schedule ${display(masked(name))}; "schedule" lists those that there are`,
  );
}

async function list(call: Call): Promise<number> {
  const all = await call.app.schedules();
  const rows = all.map((each) => [
    each.name,
    each.workflow,
    timesOf(each),
    each.next.toISOString(),
    short(each.input),
  ]);
  return answer(call, all, renderTable([['name', 'workflow', 'times', 'next', 'input'], ...rows]));
}

const timesOf = ({ cron = '', every, timezone }: ScheduleInfo): string =>
  every === undefined ? [cron, timezone].filter(Boolean).join(' ') : `every ${formatDuration(every)}`;
