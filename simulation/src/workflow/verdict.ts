/**
 * How a program may end: its result follows from it, but for which message it took, and who was first.
 */
import { resultOf } from './function.js';
import { PLANNED, type Program } from './program.js';

/** As a journal keeps it. */
export type Outcome =
  | { readonly status: 'completed'; readonly value: unknown }
  | { readonly status: 'failed'; readonly error: { readonly message: string } }
  | { readonly status: 'cancelled'; readonly reason: string };

/** What is wrong about an outcome; undefined if nothing. `told`: the ids of the messages of the run, in their order. */
export function flawOf(program: Program, outcome: Outcome, told: readonly string[]): string | undefined {
  if (outcome.status === 'cancelled') return undefined;
  const ways = waysOf(program);
  if (outcome.status === 'failed') {
    const { message } = outcome.error;
    if (/The guard did not answer; whether/.test(message)) return undefined; // in each attempt
    if (!ways.fails) return `it failed, with "${message}", but nothing in it fails`;
    return message.includes(PLANNED) ? undefined : `it failed with "${message}"`;
  }
  if (!ways.completes) return `it completed, but has to fail`;
  const taken = new Taken(told);
  return (
    flawOfValue(program, outcome.value, taken) ??
    (ways.loses ? undefined : taken.gap) ??
    (taken.patches.size > 1 ? 'a patch was both taken and not taken' : undefined)
  );
}

/** What somebody has answered to an approval, which says to which. */
export const approvalAnswer = (approval: string, by: string): string => `approved ${approval} by ${by}`;

/** The answers to approvals in a value, by the approvals. */
export function approvalsIn(value: unknown): readonly (readonly [approval: string, answer: string])[] {
  if (typeof value === 'string') {
    const [, approval] = /^approved (\S+) by /.exec(value) ?? [];
    return approval === undefined ? [] : [[approval, value]];
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(approvalsIn) : [];
}

/** Whether a program may end so, and whether messages that it takes may be lost with a branch that comes second. */
function waysOf(program: Program): { completes: boolean; fails: boolean; loses: boolean } {
  switch (program.f) {
    case 'step':
      return { completes: !program.body.fatal, fails: program.body.fatal, loses: false };
    case 'once': // it may be that nobody knows whether it has failed
      return { completes: true, fails: program.body.fatal, loses: false };
    case 'child':
      return waysOf(program.of);
    case 'loop':
      return waysOf(program.of);
    case 'scope':
      return { ...waysOf(program.of), completes: true, loses: true };
    case 'again':
      return { ...waysOf(program.first), completes: false };
    case 'race': {
      const ways = program.parts.map(waysOf);
      const [completes, fails] = [ways.some((way) => way.completes), ways.some((way) => way.fails)];
      return { completes, fails, loses: true };
    }
    case 'turn':
    case 'all':
    case 'plain': {
      const ways = program.parts.map(waysOf);
      return {
        completes: ways.every((way) => way.completes),
        fails: ways.some((way) => way.fails),
        loses: ways.some((way) => way.loses),
      };
    }
    default:
      return { completes: true, fails: false, loses: false };
  }
}

/** The messages that a run has taken, as its result tells. */
class Taken {
  readonly #told: readonly string[];
  readonly #places = new Set<number>();
  /** What was said of the patch. */
  readonly patches = new Set<unknown>();

  constructor(told: readonly string[]) {
    this.#told = told;
  }

  /** What is wrong about taking a message after the one at `after`. */
  take(id: unknown): { readonly place: number; readonly flaw?: string } {
    const place = this.#told.indexOf(String(id));
    if (place < 0) return { place, flaw: `it took the message ${id}, which nobody has sent` };
    if (this.#places.has(place)) return { place, flaw: `it took the message ${id} twice` };
    this.#places.add(place);
    return { place };
  }

  get gap(): string | undefined {
    const first = this.#told.findIndex((_, place) => !this.#places.has(place));
    if (first < 0 || first >= this.#places.size) return undefined;
    return `it took ${this.#places.size} messages, but not ${this.#told[first]}, which came before others`;
  }
}

/** `after`: the place of the message that was taken last, in this turn. */
function flawOfValue(
  program: Program,
  value: unknown,
  taken: Taken,
  after = { place: -1 },
): string | undefined {
  switch (program.f) {
    case 'step':
      return flawOfText(program.name, value, [resultOf(program.name, program.body)]);
    case 'once':
      return flawOfText(program.name, value, [program.name, 'unknown']);
    case 'state':
    case 'compensate':
      return flawOfText(program.name, value, [program.name]);
    case 'task':
      return flawOfText(program.name, value, [resultOfTask(program.name)]);
    case 'patch':
      taken.patches.add(value);
      return flawOfText('a patch', value, ['old', 'new']);
    case 'approve':
      if (value === null && program.timeout !== undefined) return undefined;
      return approvalsIn(value).length === 1 ? undefined : flawOfText(program.name, value, []);
    case 'scope':
      return value === 'late'
        ? undefined
        : flawOfValue(program.of, (Object(value) as { value?: unknown }).value, taken);
    case 'loop': {
      const parts = Array.from({ length: program.passes }, () => program.of);
      return flawOfValue({ f: 'turn', parts }, value, taken, after);
    }
    case 'again':
      return `it has ended with ${JSON.stringify(value)} in place of going on`;
    case 'sleep':
      return value === 'slept' ? undefined : `a sleep gave ${JSON.stringify(value)}`;
    case 'receive':
      return flawOfReceipt(value, taken, after, program.timeout !== undefined);
    case 'child':
      return flawOfValue(program.of, value, new Taken([]));
    case 'race': {
      const { won = -1, value: given } = Object(value) as { won?: number; value?: unknown };
      const winner = program.parts[won];
      return winner ? flawOfValue(winner, given, taken) : `nobody won a race: ${JSON.stringify(value)}`;
    }
    default:
      if (!Array.isArray(value) || value.length !== program.parts.length)
        return `${program.parts.length} calls gave ${JSON.stringify(value)}`;
      return flawOfParts(program, value, taken, after);
  }
}

/** What a task comes to. */
export const resultOfTask = (name: string): string => `did ${name}`;

const flawOfText = (name: string, value: unknown, allowed: readonly string[]): string | undefined =>
  allowed.includes(value as string) ? undefined : `${name} gave ${JSON.stringify(value)}`;

function flawOfParts(
  { f, parts }: Extract<Program, { parts: unknown }>,
  values: readonly unknown[],
  taken: Taken,
  after: { place: number },
): string | undefined {
  for (const [index, part] of parts.entries()) {
    const flaw = flawOfValue(part, values[index], taken, f === 'turn' ? after : { place: -1 });
    if (flaw) return flaw;
  }
  return undefined;
}

function flawOfReceipt(
  value: unknown,
  taken: Taken,
  after: { place: number },
  mayTimeOut: boolean,
): string | undefined {
  if (value === null && mayTimeOut) return undefined;
  const { place, flaw } = taken.take(value);
  if (flaw) return flaw;
  if (place < after.place) return `it took the message ${value} after one that came later`;
  after.place = place;
  return undefined;
}
