/**
 * How a program may end: its result follows from it, but for which message it took, and who was first.
 */
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
    if (!ways.fails) return `it failed, with "${message}", but nothing in it fails`;
    return message.includes(PLANNED) ? undefined : `it failed with "${message}"`;
  }
  if (!ways.completes) return `it completed, but has to fail`;
  const taken = new Taken(told);
  return flawOfValue(program, outcome.value, taken) ?? (ways.loses ? undefined : taken.gap);
}

/** Whether a program may end so, and whether messages that it takes may be lost with a branch that comes second. */
function waysOf(program: Program): { completes: boolean; fails: boolean; loses: boolean } {
  switch (program.f) {
    case 'step':
      return { completes: !program.body.fatal, fails: program.body.fatal, loses: false };
    case 'child':
      return waysOf(program.of);
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
      return value === program.name ? undefined : `the step ${program.name} gave ${JSON.stringify(value)}`;
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
