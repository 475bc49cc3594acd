/**
 * The actions of `holdfast workflow` on one run or on all that a filter gives: `cancel`, `terminate`, `retry`, `purge`.
 *
 * Guarantees: nothing is done to many runs unless a filter or --all says so. What was done before a failure stays done; the
 * command may be repeated.
 */
import type { Many, ManyOptions } from '@holdfast/workflow';
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { JSON_OUTPUT } from '../../options.js';
import type { ServedRun } from '../../served/run.js';
import { FILTER, filterOf } from './filter.js';
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
} from './opened.js';
import { ALL, KEY, REASON, STEP } from './options.js';

const OF_MANY = {
  ...OF_ACTS,
  operands: [
    { ...WORKFLOW_OPERAND, optional: true },
    { ...ID_OPERAND, optional: true },
  ],
} as const satisfies Partial<Command>;

const SELECTION = [KEY, ...FILTER, ALL];

/** How one of the actions does it. */
interface Act {
  /** What it has done, as in "o1 is cancelled". */
  readonly did: string;
  readonly toOne: (run: ServedRun, call: Call) => Promise<boolean>;
  readonly toMany: (call: Call, options: ManyOptions) => Promise<Many>;
}

const reasonOf = ({ args }: Call): { reason?: string } => given({ reason: args.text(REASON) });

export const cancel: Command = {
  ...OF_MANY,
  name: 'cancel',
  summary: 'Ask runs to end, undoing what they did.',
  about: 'Their functions hear of it, and may still do what is shielded.',
  options: [...PLACE, ...SELECTION, REASON, JSON_OUTPUT],
  example: 'holdfast workflow cancel order o1 --reason "sold out"',
  run: act({
    did: 'asked to end',
    toOne: (run, call) => run.cancel(call.args.text(REASON)),
    toMany: (call, options) => call.app.cancelMany({ ...options, ...reasonOf(call) }),
  }),
};

export const terminate: Command = {
  ...OF_MANY,
  name: 'terminate',
  summary: 'End runs at once, undoing nothing.',
  about: `Their functions do not hear of it. Children are cancelled. It works without a
worker, too.`,
  options: [...PLACE, ...SELECTION, REASON, JSON_OUTPUT],
  example: 'holdfast workflow terminate order --state stuck --to 24h',
  run: act({
    did: 'ended',
    toOne: (run, call) => run.terminate(call.args.text(REASON)),
    toMany: (call, options) => call.app.terminateMany({ ...options, ...reasonOf(call) }),
  }),
};

export const retry: Command = {
  ...OF_MANY,
  name: 'retry',
  summary: 'Let runs that are stuck or failed go on.',
  about: `One that is stuck goes on where it is, one that has failed at its last step that
has failed, one that was cancelled where it was then.`,
  options: [...PLACE, ...SELECTION, STEP, JSON_OUTPUT],
  example: 'holdfast workflow retry order --state stuck',
  run: act({
    did: 'retried',
    toOne: (run, call) => run.retry(given({ from: call.args.text(STEP) })),
    toMany: (call, options) => call.app.retryMany(options),
  }),
};

export const purge: Command = {
  ...OF_MANY,
  name: 'purge',
  summary: 'Erase runs that are over.',
  about: 'Nothing is kept of them. Runs that go on stay.',
  options: [...PLACE, ...SELECTION, JSON_OUTPUT],
  example: 'holdfast workflow purge --state completed --to 48h',
  run: act({
    did: 'erased',
    toOne: (run) => run.purge(),
    toMany: (call, options) => call.app.purge(options),
  }),
};

function act(how: Act): Command['run'] {
  return (args, ...rest) => {
    const isOne = args.operands.length > 1;
    const which = FILTER.filter((option) => args.text(option) !== undefined);
    const stray = isOne
      ? (which[0] ?? (args.has(ALL) ? ALL : undefined))
      : ONE.find((option) => args.text(option));
    if (stray) {
      throw args.wrong(
        `--${stray.name} is for ${isOne ? 'many runs; leave it out with an id' : 'one run; name it by its id'}`,
      );
    }
    if (!isOne && which.length === 0 && !args.has(ALL)) {
      throw args.wrong('name a run by its workflow and id, or give --state, --from, --to or --all');
    }
    return onApp((call) => (isOne ? actOnOne(call, how) : actOnMany(call, how)))(args, ...rest);
  };
}

/** What is for one run only. */
const ONE = [KEY, STEP];

async function actOnOne(call: Call, { did, toOne }: Act): Promise<number> {
  const [, id = ''] = call.args.operands;
  const done = await toOne(runOf(call), call);
  return isDone(
    call,
    { done },
    done ? `${id} was ${did}.` : `${id} was not ${did}: "show" says where it is.`,
  );
}

/** Between two lines about the progress, in ms. */
const OFTEN = 1_000;

async function actOnMany(call: Call, { did, toMany }: Act): Promise<number> {
  const { args, context } = call;
  let told = context.clock.now();
  const onProgress = ({ done, passed }: Many): void => {
    if (args.has(JSON_OUTPUT) || context.clock.now() - told < OFTEN) return;
    told = context.clock.now();
    context.stderr.write(`holdfast: ${done} ${did}, ${passed} passed over so far\n`);
  };
  const many = await toMany(call, { ...filterOf(call), onProgress });
  const { done, passed } = many;
  return answer(call, many, `${done} ${done === 1 ? 'run was' : 'runs were'} ${did}, ${passed} passed over.`);
}
