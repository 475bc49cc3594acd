/** The actions of `holdfast workflow` that give something to a run: `start` and `send`. */
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { JSON_OUTPUT } from '../../options.js';
import {
  answer,
  type Call,
  ID_OPERAND,
  isDone,
  OF_ACTS,
  onApp,
  PLACE,
  runOf,
  WORKFLOW_OPERAND,
  workflowOf,
} from './opened.js';
import { DELAY, INPUT, KEY, MESSAGE_ID, PAYLOAD, PRIORITY, RESULT, RUN_ID, WORKS_ON } from './options.js';

export const start: Command = {
  ...OF_ACTS,
  name: 'start',
  summary: 'Start a run.',
  operands: [WORKFLOW_OPERAND],
  about: `Starts a run, unless there is one of that id, and writes its id. A worker that\nhas the workflow lets the run go on.`,
  options: [...PLACE, INPUT, RUN_ID, WORKS_ON, PRIORITY, DELAY, RESULT, JSON_OUTPUT],
  exitCodes: [
    ['0', 'done'],
    ['1', 'with --result: the run has failed, was cancelled or is stuck'],
    ...OF_ACTS.exitCodes.slice(2),
    ['75', 'as many runs wait as may; start it again later'],
  ],
  example: `holdfast workflow start order --id o1 --input '{"id":"o1"}'`,
  run: onApp(begin),
};

export const send: Command = {
  ...OF_ACTS,
  name: 'send',
  summary: 'Send a message to a run.',
  operands: [WORKFLOW_OPERAND, ID_OPERAND, { name: 'message', about: 'the name of the message' }],
  about: 'The next "receive" of that name takes the message.',
  options: [...PLACE, KEY, PAYLOAD, MESSAGE_ID, JSON_OUTPUT],
  example: `holdfast workflow send order o1 approval --payload '{"ok":true}'`,
  run: onApp(tell),
};

async function begin(call: Call): Promise<number> {
  const { args, app } = call;
  const options = given({
    ...{ id: args.text(RUN_ID), key: args.text(WORKS_ON) },
    ...{ priority: args.count(PRIORITY, 0, 9), delay: args.duration(DELAY) },
  });
  const run = await app.start(workflowOf(call) ?? '', args.json(INPUT) ?? null, options);
  const about = { workflow: run.workflow, id: run.id, key: run.key };
  if (!args.has(RESULT)) return answer(call, about, run.id);
  const result = (await run.result()) ?? null;
  return answer(call, { ...about, result }, JSON.stringify(result));
}

async function tell(call: Call): Promise<number> {
  const { args } = call;
  const [, id = '', name = ''] = args.operands;
  const options = given({ id: args.text(MESSAGE_ID) });
  const isSent = await runOf(call).send(name, args.json(PAYLOAD) ?? null, options);
  return isDone(call, { sent: isSent }, isSent ? `"${name}" was sent to ${id}.` : `${id} is over.`);
}
