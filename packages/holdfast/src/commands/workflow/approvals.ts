/** The actions of `holdfast workflow` on what runs ask people to approve: `approvals` and `approve`. */
import { type Approval, RunGoneError, type RunInfo, type RunState } from '@holdfast/workflow';
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { JSON_OUTPUT, LIMIT } from '../../options.js';
import { renderTable } from '../../table.js';
import {
  answer,
  type Call,
  ID_OPERAND,
  isDone,
  OF_ACTS,
  OF_EVERY_ACTION,
  onApp,
  PLACE,
  runOf,
  WORKFLOW_OPERAND,
  workflowOf,
} from './opened.js';
import { ANSWER, BY, KEY } from './options.js';
import { short } from './short.js';

export const approvals: Command = {
  ...OF_EVERY_ACTION,
  name: 'approvals',
  summary: 'List what people are asked to approve.',
  operands: [
    { ...WORKFLOW_OPERAND, optional: true },
    { ...ID_OPERAND, optional: true },
  ],
  about: 'Of all runs that go on, those of one workflow, or one run.',
  options: [...PLACE, KEY, LIMIT, JSON_OUTPUT],
  example: 'holdfast workflow approvals order --redis redis://127.0.0.1:6379',
  run: onApp(list),
};

export const approve: Command = {
  ...OF_ACTS,
  name: 'approve',
  summary: 'Answer what a run asks to approve.',
  operands: [WORKFLOW_OPERAND, ID_OPERAND, { name: 'approval', about: 'the name of the approval' }],
  about: 'An approval has one answer: whoever gives another is told.',
  options: [...PLACE, KEY, ANSWER, BY, JSON_OUTPUT],
  example: 'holdfast workflow approve order o1 price --by eve',
  run: onApp(give),
};

async function give(call: Call): Promise<number> {
  const { args } = call;
  const [, id = '', name = ''] = args.operands;
  const approved = await runOf(call).approve(name, args.json(ANSWER) ?? true, args.text(BY));
  const words = approved
    ? `"${name}" of ${id} was answered.`
    : `${id} does not ask for "${name}", or has another answer.`;
  return isDone(call, { approved }, words);
}

type Asked = Pick<RunInfo, 'workflow' | 'id' | 'key'> & { readonly approval: Approval };

async function list(call: Call): Promise<number> {
  const most = call.args.count(LIMIT, 1, 1_000) ?? 20;
  const found: Asked[] = [];
  for await (const runs of pagesOf(call)) {
    const asked = await Promise.all(runs.map((run) => askedBy(call, run)));
    found.push(...asked.flat());
    if (found.length >= most) break;
  }
  const shown = found.slice(0, most);
  const rows = shown.map(({ workflow, id, key = '', approval: { name, to = '', show } }) => [
    ...[workflow, id, key, name, to, short(show)],
  ]);
  return answer(call, shown, renderTable([['workflow', 'id', 'key', 'approval', 'to', 'show'], ...rows]));
}

const GO_ON: readonly RunState[] = ['sleeping', 'running', 'waiting', 'stuck'];
/** Runs that are asked at a time. */
const AT_ONCE = 64;

async function* pagesOf(call: Call): AsyncGenerator<readonly Pick<RunInfo, 'workflow' | 'id' | 'key'>[]> {
  if (call.args.operands.length > 1) {
    yield [runOf(call)];
    return;
  }
  const workflow = workflowOf(call);
  for (const state of GO_ON) {
    let page: RunInfo[] = [];
    for await (const info of call.app.list({ state, ...given({ workflow }) })) {
      page.push(info);
      if (page.length < AT_ONCE) continue;
      yield page;
      page = [];
    }
    yield page;
  }
}

/** One that is there no more asks for nothing, unless it was named. */
async function askedBy(call: Call, run: Pick<RunInfo, 'workflow' | 'id' | 'key'>): Promise<Asked[]> {
  const { workflow, id, key } = run;
  try {
    const open = await call.app.get(workflow, id, given({ key })).approvals();
    return open.map((approval) => ({ workflow, id, key, approval }));
  } catch (error) {
    if (error instanceof RunGoneError && call.args.operands.length < 2) return [];
    throw error;
  }
}
