/**
 * The outcome of a delivery: decided here, from the result or error of its handler; carried out by lua/settle.lua.
 *
 * Guarantees: a task that has attempts left is retried after its backoff; otherwise, or if trying again cannot help, it
 * goes to the dead letters with every error that it met. Pure.
 */
import { causesOf, isNonRetryable, messageOf, stackOf } from '@holdfast/kernel';
import type { Command } from '@holdfast/redis';
import type { Claimed } from './claimed.js';
import { isTenant } from './keys.js';
import { type Body, DEFAULT_ATTEMPTS, type Failure, type KeptFailure } from './task-options.js';

/** The arguments that end a delivery, as lua/settle.lua describes them. */
export type Outcome = readonly string[];

/** `outcome`, and for how long what is kept of the task then is kept, if the task says so itself. */
export function keptAsAsked(outcome: Outcome, { options: { k } }: Claimed): Outcome {
  if (!Array.isArray(k)) return outcome;
  const [age, dead] = k.map((ms) => (Number.isSafeInteger(ms) ? String(ms) : ''));
  return ['keep', age ?? '', dead ?? '', ...outcome];
}

/** How many errors a task keeps. */
const MOST_ERRORS = 20;

/** `trace`: as encodeTrace makes it. */
export function done(claimed: Claimed, result: string, trace: string): Outcome {
  const { priority, entry, id, key, recorded } = claimed;
  return recorded
    ? ['recorded', priority, entry, id, key, result, trace]
    : ['done', priority, entry, result, trace];
}

/** `outcome`, together with commands. If Redis refuses one of them, the task becomes a dead letter that says why. */
export function withEffects(
  outcome: Outcome,
  effects: readonly Command[],
  claimed: Claimed,
  failure: Omit<Failure, 'message'>,
): Outcome {
  const letter = letterOf(claimed, failure.attempt, [
    ...claimed.errors,
    { ...failure, message: `Redis refused an effect: ${REASON}` },
  ]);
  const end = letter.lastIndexOf(REASON);
  const [before, after] = [letter.slice(0, end), letter.slice(end + REASON.length)];
  const words = effects.flatMap((command) => [String(command.length), ...command]);
  return ['with', String(words.length + 4), claimed.id, claimed.key, before, after, ...words, ...outcome];
}

/** The priority and the entry of the delivery that it ends. */
export function placeOfEnd(outcome: Outcome): readonly [priority: string, entry: string] {
  const start = outcome[0] === 'keep' ? 3 : 0;
  const first = outcome[start] === 'with' ? start + 2 + Number(outcome[start + 1]) : start;
  return [outcome[first + 1] ?? '', outcome[first + 2] ?? ''];
}

/** The placeholder for a reason that only the script knows. */
const REASON = '<reason>';

export interface FailedAttempt {
  readonly error: unknown;
  /** What is kept of the error. */
  readonly failure: KeptFailure;
  /** How long the task waits, in ms, if it is tried again. */
  readonly delay: () => number;
}

/** The outcome of an attempt that has failed. */
export function failed(claimed: Claimed, { error, failure, delay }: FailedAttempt): Outcome {
  const { attempt } = failure;
  const errors = [...claimed.errors, failure].slice(-MOST_ERRORS);
  const most = claimed.options.a ?? DEFAULT_ATTEMPTS;
  if (isNonRetryable(error)) return dead(claimed, attempt, errors);
  if (attempt >= most) return ['spent', ...dead(claimed, attempt, errors).slice(1)];
  const { priority, entry, id, key } = claimed;
  return [
    'retry',
    priority,
    entry,
    id,
    key,
    headOf(claimed) + bodyOf(claimed, attempt, errors),
    String(delay()),
    failure.message,
  ];
}

/** The outcome of an attempt that was put off by `delay` ms: it does not count. */
export function later(claimed: Claimed, attempt: number, delay: number): Outcome {
  const { priority, entry, id, key, errors } = claimed;
  const record = headOf(claimed) + bodyOf(claimed, attempt - 1, errors);
  return ['later', priority, entry, id, key, record, String(delay)];
}

/** The record of a task that has no worker: with other data and another priority, if these are given. */
export function changedRecord(
  claimed: Claimed,
  {
    data = claimed.data,
    priority = claimed.priority,
  }: { readonly data?: string; readonly priority?: string },
): string {
  const { key, made, deliveries, holds } = claimed;
  const attempts = made + deliveries;
  const keeps = holds || (attempts > 0 && key !== '' && !isTenant(key));
  return `${priority} ${keeps ? 1 : 0} ${key}\n${bodyOf({ ...claimed, data }, attempts, claimed.errors)}`;
}

/** Between attempts a task keeps the slot of its key; one of a tenant has none. */
const headOf = ({ priority, key }: Claimed): string =>
  `${priority} ${key === '' || isTenant(key) ? 0 : 1} ${key}\n`;

/** The outcome if trying again cannot help, or is not allowed. */
export function dead(claimed: Claimed, attempt: number, errors: readonly KeptFailure[]): Outcome {
  const { priority, entry, id, key } = claimed;
  return ['dead', priority, entry, id, key, letterOf(claimed, attempt, errors), errors.at(-1)?.message ?? ''];
}

export function failureOf(error: unknown, details: Omit<Failure, 'message' | 'stack' | 'cause'>): Failure {
  const stack = stackOf(error);
  const cause = causesOf(error);
  return {
    ...details,
    message: messageOf(error),
    ...(stack !== undefined && { stack }),
    ...(cause !== undefined && { cause }),
  };
}

/** Why a delivery is not handled at all; undefined if it is. `now`: by the server, in ms. */
export function whyGivenUp({ unreadable, expires, options }: Claimed, attempt: number, now: number) {
  if (unreadable !== undefined) return unreadable;
  if (expires !== undefined && expires < now) return `it expired ${now - expires} ms before it could begin`;
  if (attempt > (options.a ?? DEFAULT_ATTEMPTS)) return 'its worker died or stalled in every attempt';
  return undefined;
}

function letterOf(claimed: Claimed, attempt: number, errors: readonly KeptFailure[]): string {
  return `${claimed.priority} 0 ${claimed.key}\n${bodyOf(claimed, attempt, errors)}`;
}

function bodyOf(
  { data, options, added, expires }: Claimed,
  made: number,
  errors: readonly KeptFailure[],
): string {
  const rest = {
    ...(Object.keys(options).length > 0 && { o: options }),
    ...(added !== undefined && { w: added }),
    ...(expires !== undefined && { x: expires }),
    m: made,
    e: errors,
  } satisfies Omit<Body, 'd'>;
  return `{"d":${data},${JSON.stringify(rest).slice(1)}`;
}
