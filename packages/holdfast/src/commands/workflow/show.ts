/** `holdfast workflow show`: the runs in one state, or one run with the waterfall of its steps. */

import { formatDuration } from '@holdfast/kernel';
import {
  type JournalRecord,
  type Outcome,
  type RunInfo,
  type WaterfallRow,
  waterfallOf,
} from '@holdfast/workflow';
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
  const [first] = records;
  const header = first?.kind === 'header' ? first : undefined;
  const outcome = outcomeOf(records);
  const about: readonly (readonly [string, unknown])[] = [
    ...([
      ['workflow', workflow],
      ['id', id],
      ['key', key],
      ['state', status],
      ['reason', reason],
    ] as const),
    ['started', header?.at === undefined ? undefined : new Date(header.at).toISOString()],
    ['input', header?.input],
    ['result', outcome?.status === 'completed' ? outcome.value : undefined],
    ['published', state],
    ...approvals.map(({ name, to, show: shown }) => ['approve', { name, to, show: shown }] as const),
  ];
  const table = about.filter(([, value]) => value !== undefined).map(([name, value]) => [name, short(value)]);
  const rows = waterfallOf(records);
  const started = header?.at ?? Math.min(...rows.flatMap(({ began = [] }) => began));
  const waterfall = rows.length === 0 ? '' : `\n\n${renderTable([STEPS, ...render(rows, started)])}`;
  return answer(call, json, `${renderTable(table)}${waterfall}`);
}

function outcomeOf(records: readonly JournalRecord[]): Outcome | undefined {
  const last = records.at(-1);
  return last?.kind === 'end' ? last.outcome : undefined;
}

const STEPS = ['step', 'name', 'kind', 'state', 'attempt', 'token', 'at', 'took', '', ''];
/** Of a bar, in characters. */
const WIDTH = 24;

/** `started`: when the run was, in ms since the epoch; the bars are from then to the end of the last attempt. */
function render(rows: readonly WaterfallRow[], started: number): readonly string[][] {
  const last = Math.max(...rows.map(({ ended = started }) => ended));
  // By the worker's estimate of the server's time, an attempt may begin a little before its run.
  const after = (at: number): number => Math.max(0, at - started);
  const column = (at: number): number => Math.floor((after(at) / Math.max(1, last - started)) * (WIDTH - 1));
  return rows.map(({ step, name, kind, state, attempt = '', token = '', began, ended, detail }) => {
    const about = [step, name, kind, state, String(attempt), String(token)];
    if (began === undefined || ended === undefined) return [...about, '', '', '', detail];
    const [from, to] = [column(began), column(ended)];
    const bar = `${' '.repeat(from)}${'█'.repeat(to - from + 1)}`;
    return [...about, formatDuration(after(began)), formatDuration(ended - began), bar, detail];
  });
}
