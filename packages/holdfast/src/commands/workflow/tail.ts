/**
 * `holdfast workflow tail`: prints what happens to runs, a line each, or what a run writes to a stream, until it is
 * interrupted or the run is over.
 */
import type { WorkflowEvent } from '@holdfast/workflow';
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { EXIT } from '../../exit-codes.js';
import { Interruption } from '../../interruption.js';
import { JSON_OUTPUT } from '../../options.js';
import { visible } from '../../table.js';
import {
  type Call,
  ID_OPERAND,
  OF_EVERY_ACTION,
  onApp,
  PLACE,
  runOf,
  WORKFLOW_OPERAND,
  workflowOf,
} from './opened.js';
import { KEY, OLDEST, STREAM } from './options.js';

export const tail: Command = {
  ...OF_EVERY_ACTION,
  name: 'tail',
  summary: 'Follow events, or a stream of a run.',
  operands: [
    { ...WORKFLOW_OPERAND, optional: true },
    { ...ID_OPERAND, optional: true },
  ],
  about: `Shows which runs start, wait for messages, are stuck and end, from now on,
until Ctrl-C: all of them, or those of a workflow, or of one run. With --stream,
it shows what the run writes there: text as it is, all else as a line of JSON.`,
  options: [...PLACE, KEY, STREAM, OLDEST, JSON_OUTPUT],
  example: 'holdfast workflow tail letters l1 --stream draft',
  run: (args, ...rest) => {
    const isRun = args.operands.length > 1;
    if (args.text(STREAM) !== undefined && !isRun)
      throw args.wrong('--stream is of one run; name it by its id');
    if (args.text(KEY) !== undefined && !isRun) throw args.wrong('--key is for one run; name it by its id');
    return onApp(follow)(args, ...rest);
  },
};

async function follow(call: Call): Promise<number> {
  const interruption = new Interruption(call.context.signals);
  const { signal } = interruption;
  try {
    const stream = call.args.text(STREAM);
    await (stream === undefined ? followEvents(call, signal) : followStream(call, { stream, signal }));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    interruption.end();
  }
  return EXIT.ok;
}

async function followEvents(call: Call, signal: AbortSignal): Promise<void> {
  const { args, context, app } = call;
  const workflow = workflowOf(call);
  const [, id] = args.operands;
  const key = args.text(KEY);
  const after = args.has(OLDEST) ? 'oldest' : undefined;
  const isServed = args.server !== undefined;
  if (isServed && workflow === undefined)
    throw args.wrong('a server gives the events of one workflow; name it');
  for await (const event of app.events({ signal, ...given({ after, ...(isServed && { workflow }) }) })) {
    if (event.kind !== 'gap') {
      const isOther = (workflow ?? event.workflow) !== event.workflow || (id ?? event.run) !== event.run;
      if (isOther || (key ?? event.key) !== event.key) continue;
    }
    context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(event) : lineOf(event)}\n`);
  }
}

function lineOf(event: WorkflowEvent): string {
  if (event.kind === 'gap') return 'gap: events were dropped before they could be shown';
  const { at, kind, workflow, run } = event;
  return [new Date(at).toISOString(), kind.padEnd(7), workflow, run, detailOf(event)].join('  ').trimEnd();
}

function detailOf(event: WorkflowEvent): string {
  if (event.kind === 'waiting') return event.waitsFor.join(', ');
  if (event.kind === 'stuck') return visible(event.reason);
  return event.kind === 'ended' ? event.status : '';
}

async function followStream(
  call: Call,
  { stream, signal }: { readonly stream: string; readonly signal: AbortSignal },
): Promise<void> {
  const { args, context } = call;
  let isAtStart = true;
  for await (const item of runOf(call).stream(stream, { signal })) {
    if (args.has(JSON_OUTPUT)) {
      context.stdout.write(`${JSON.stringify(item)}\n`);
    } else if (item.kind === 'restart') {
      const what = item.step === undefined ? '' : ` of step ${item.step}`;
      context.stderr.write(`holdfast: another attempt writes; what came${what} before is void\n`);
    } else if (typeof item.chunk === 'string') {
      context.stdout.write(item.chunk);
      isAtStart = item.chunk.endsWith('\n');
    } else {
      context.stdout.write(`${isAtStart ? '' : '\n'}${JSON.stringify(item.chunk)}\n`);
      isAtStart = true;
    }
  }
  if (!isAtStart) context.stdout.write('\n');
}
