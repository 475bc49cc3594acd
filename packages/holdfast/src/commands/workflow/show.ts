/** `holdfast workflow show`: the runs in one state, or one run with the waterfall of its steps. */
import type { JournalRecord, Outcome, RunInfo } from '@holdfast/workflow';
import type { Arguments } from '../../arguments.js';
import type { Command } from '../../command.js';
import { JSON_OUTPUT, LIMIT } from '../../options.js';
import { renderTable } from '../../table.js';
import { FILTER, filterOf } from './filter.js';
import {
  answer,
  type Call,
  ID_OPERAND,
  OF_EVERY_ACTION,
  onApp,
  PLACE,
  runOf,
  WORKFLOW_OPERAND,
} from './opened.js';
import { KEY } from './options.js';
import { short } from './short.js';
import { type CallRow, waterfallOf } from './waterfall.js';

const LISTS = [...FILTER, LIMIT];

export const show: Command = {
  ...OF_EVERY_ACTION,
  name: 'show',
  summary: 'Show runs, or one run with its steps.',
  operands: [
    { ...WORKFLOW_OPERAND, optional: true },
    { ...ID_OPERAND, optional: true },
  ],
  about: `Lists runs, in no order. With an id, it shows that run alone: what it was given
and has given, and its steps with their attempts and tokens. With --json, its
journal is in "records", as checkHistory of @holdfast/workflow/testing takes it.`,
  options: [...PLACE, KEY, ...LISTS, JSON_OUTPUT],
  example: 'holdfast workflow show order --state stuck --redis redis://127.0.0.1:6379',
  run: (args, ...rest) => {
    refuseOthers(args);
    return onApp((call) => (args.operands.length > 1 ? showRun(call) : showList(call)))(args, ...rest);
  },
};

function refuseOthers(args: Arguments): void {
  const isRun = args.operands.length > 1;
  for (const option of isRun ? LISTS : [KEY]) {
    if (args.text(option) === undefined) continue;
    throw args.wrong(
      isRun
        ? `--${option.name} is for lists; leave it out with an id`
        : `--${option.name} is for one run; name it by its id`,
    );
  }
}

async function showList(call: Call): Promise<number> {
  const limit = call.args.count(LIMIT, 1, 1_000) ?? 20;
  const runs: RunInfo[] = [];
  for await (const info of call.app.list(filterOf(call))) if (runs.push(info) >= limit) break;
  const rows = runs.map(({ workflow, id, key, state, since }) => [
    ...[workflow, id, key ?? '', state, since.toISOString()],
  ]);
  return answer(call, runs, renderTable([['workflow', 'id', 'key', 'state', 'since'], ...rows]));
}

async function showRun(call: Call): Promise<number> {
  const run = runOf(call);
  const [{ status, reason }, state, approvals, records] = await Promise.all([
    ...([run.status(), run.state(), run.approvals(), run.history()] as const),
  ]);
  const { workflow, id, key } = run;
  const json = { workflow, id, key, status, reason, state, approvals, records };
  const [header] = records;
  const outcome = outcomeOf(records);
  const about: readonly (readonly [string, unknown])[] = [
    ...([
      ['workflow', workflow],
      ['id', id],
      ['key', key],
      ['state', status],
      ['reason', reason],
    ] as const),
    ['input', header?.kind === 'header' ? header.input : undefined],
    ['result', outcome?.status === 'completed' ? outcome.value : undefined],
    ['published', state],
    ...approvals.map(({ name, to, show: shown }) => ['approve', { name, to, show: shown }] as const),
  ];
  const table = about.filter(([, value]) => value !== undefined).map(([name, value]) => [name, short(value)]);
  const steps = waterfallOf(records).flatMap(rowsOf);
  const waterfall = steps.length === 0 ? '' : `\n\n${renderTable([STEPS, ...steps])}`;
  return answer(call, json, `${renderTable(table)}${waterfall}`);
}

function outcomeOf(records: readonly JournalRecord[]): Outcome | undefined {
  const last = records.at(-1);
  return last?.kind === 'end' ? last.outcome : undefined;
}

const STEPS = ['step', 'name', 'kind', 'state', 'attempt', 'token', ''];

/** One for each attempt. */
function rowsOf({ id, name, kind, state, attempts, detail }: CallRow): readonly string[][] {
  const about = [id, name, kind];
  const [last, ...before] = [...attempts].reverse();
  if (last === undefined) return [[...about, state, '', '', detail]];
  return [
    ...before
      .reverse()
      .map(({ attempt, token, error = '' }) => [...about, 'retried', String(attempt), String(token), error]),
    [...about, state, String(last.attempt), String(last.token), last.error ?? detail],
  ];
}
