/**
 * Histories of runs, exported from where they ran, and checked against the code that is to be deployed.
 *
 * Guarantees: `checkHistory` runs no body, and changes nothing: it replays what a run has done, and throws
 * NondeterminismError where the code would not do the same. What an await of something outside gives, it does not know.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AnyWorkflow } from '../client/options.js';
import type { Run } from '../client/run.js';
import { NondeterminismError } from '../errors.js';
import type { CallRecord, JournalRecord, Outcome, Place } from '../journal/record.js';
import type { BegunStep } from '../machine/begun.js';
import { Context } from '../machine/context.js';
import { Machine } from '../machine/machine.js';
import { Published } from '../machine/published.js';
import type { Stray } from '../machine/stray.js';
import { runName } from '../run-name.js';
import { VirtualClock } from './virtual-clock.js';

/** Plain data, to be kept as JSON. */
export interface History {
  readonly workflow: string;
  readonly id: string;
  readonly records: readonly JournalRecord[];
}

export interface Checked {
  /** How the function has ended; undefined if it goes on. */
  readonly outcome: Outcome | undefined;
  /** What it begins behind the history: steps, waits and children. */
  readonly begins: readonly Place[];
}

/** Throws RunGoneError, UnavailableError. */
export async function exportHistory(run: Run): Promise<History> {
  return { workflow: run.workflow, id: run.id, records: await run.history() };
}

/** Longer than a replay waits for a step with a key, in ms. */
const LONGEST = 60_000;

/** The records that say what is about to begin, besides the attempts of steps. */
const AHEAD: readonly JournalRecord['kind'][] = ['timer', 'entry', 'begun', 'child'];

/** Throws NondeterminismError. */
export async function checkHistory(
  workflow: AnyWorkflow,
  { id, records: [header, ...records] }: Pick<History, 'id' | 'records'>,
): Promise<Checked> {
  if (header?.kind !== 'header')
    throw new Error('a history begins with a header; export it with exportHistory()');
  const last = records.at(-1);
  const end = last?.kind === 'end' ? last : undefined;
  const clock = new VirtualClock();
  const begun: BegunStep[] = [];
  let stray: Stray | undefined;
  const machine = new Machine({
    clock,
    now: () => clock.now(),
    attempt: (step) => {
      begun.push(step);
      return () => {};
    },
    seed: header.generation,
    token: 0,
    quiet: () => undefined,
    stuck: () => {},
    run: header.generation,
    delayAfter: () => 0,
    changed: () => {},
    strayed: (told) => {
      stray = told;
    },
  });
  const self = {
    run: runName({ workflow: workflow.name, id, key: undefined }),
    generation: header.generation,
  };
  const context = new Context(
    { machine, self, now: () => clock.now(), published: new Published(() => {}) },
    machine.root,
  );
  const main = async (): Promise<unknown> => workflow.run(context, header.input);
  machine.start(main, end ? records.slice(0, -1) : records, header);
  await clock.until(() => stray !== undefined || machine.isIdle, LONGEST);
  const { outcome, out } = machine;
  machine.drop(() => new Error('the history has been checked'));
  if (stray) throw new NondeterminismError({ workflow: workflow.name, id, reason: stray.reason });
  if (end && !isDeepStrictEqual(plain(outcome), plain(end.outcome))) {
    const reason = `it ends as ${JSON.stringify(outcome) ?? 'nothing'}, and the history ends as ${JSON.stringify(end.outcome)}`;
    throw new NondeterminismError({ workflow: workflow.name, id, reason });
  }
  const waits = out.flatMap((record) =>
    AHEAD.includes(record.kind) ? [record as Exclude<CallRecord, { kind: 'over' }>] : [],
  );
  return { outcome, begins: [...begun, ...waits].map(({ id: place, name }) => ({ id: place, name })) };
}

/** As JSON keeps it. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? 'null');
