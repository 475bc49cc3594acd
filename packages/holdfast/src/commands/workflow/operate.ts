/** The actions of `holdfast workflow` on a run that is forked, and on a workflow that is paused: `fork`, `pause`, `resume`. */
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { JSON_OUTPUT } from '../../options.js';
import {
  answer,
  ID_OPERAND,
  OF_EVERY_ACTION,
  onApp,
  PLACE,
  runOf,
  WORKFLOW_OPERAND,
  workflowOf,
} from './opened.js';
import { AS, KEY, STEP } from './options.js';

export const fork: Command = {
  ...OF_EVERY_ACTION,
  name: 'fork',
  summary: 'Start another run over a part of one.',
  operands: [WORKFLOW_OPERAND, ID_OPERAND],
  about: `The run that begins has what this one has done up to a step, and does that step
and all that follows anew. This one stays as it is. Both have the same key.`,
  options: [...PLACE, KEY, STEP, AS, JSON_OUTPUT],
  exitCodes: [...OF_EVERY_ACTION.exitCodes, ['75', 'as many runs wait as may; fork it again later']],
  example: 'holdfast workflow fork order o1 --step price --as o1-again',
  run: onApp(async (call) => {
    const { args } = call;
    const { workflow, id, key } = await runOf(call).fork(given({ from: args.text(STEP), id: args.text(AS) }));
    return answer(call, { workflow, id, key }, `${id} was started, with the key ${key}.`);
  }),
};

export const pause: Command = {
  ...OF_EVERY_ACTION,
  name: 'pause',
  summary: 'Let no worker have runs, until "resume".',
  operands: [WORKFLOW_OPERAND],
  about: 'Runs that are running go on until they end or sleep.',
  options: [...PLACE, JSON_OUTPUT],
  example: 'holdfast workflow pause order --redis redis://127.0.0.1:6379',
  run: onApp(async (call) => {
    const name = workflowOf(call) ?? '';
    await call.app.pause(name);
    return answer(call, { paused: name }, `No worker has runs of "${name}" until it is resumed.`);
  }),
};

export const resume: Command = {
  ...OF_EVERY_ACTION,
  name: 'resume',
  summary: 'End the pause.',
  operands: [WORKFLOW_OPERAND],
  about: 'Workers have runs again.',
  options: [...PLACE, JSON_OUTPUT],
  example: 'holdfast workflow resume order --redis redis://127.0.0.1:6379',
  run: onApp(async (call) => {
    const name = workflowOf(call) ?? '';
    await call.app.resume(name);
    return answer(call, { resumed: name }, `Workers have runs of "${name}" again.`);
  }),
};
