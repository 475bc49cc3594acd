/**
 * What a run does, as plain data that follows from its id: so whoever has the id knows what the run must come to, whichever
 * process has started it.
 */
import { createHash } from 'node:crypto';
import { type Random, seededRandom } from '@holdfast/kernel';
import { LEASE } from './assignment.js';

export type Part =
  /** Its value is the token of the attempt that was done. */
  | { readonly f: 'step'; readonly name: string; readonly body: Body }
  /** Its value is the token of its body, or UNKNOWN. */
  | { readonly f: 'once'; readonly name: string; readonly body: Body }
  | { readonly f: 'sleep'; readonly for: number }
  /** Its value is the payload of the message: its number. */
  | { readonly f: 'receive' }
  /** One after the other in a run of its own, or side by side: the values of all. */
  | { readonly f: 'child' | 'all'; readonly parts: readonly Part[] };

export interface Body {
  /** It writes the next link of the run's line behind the guard, adds an effect to the commit of its step, or does nothing. */
  readonly does: 'write' | 'effect' | 'nothing';
  /** How long it takes, in ms, and how long it waits between its read and its write. */
  readonly takes: number;
  readonly between: number;
  /** How many chunks it writes to the stream of its run. */
  readonly chunks: number;
  /** Attempts that fail. */
  readonly fails: number;
  /** Whether it goes on when its signal has aborted. */
  readonly heedless: boolean;
  /** Whether it is undone if the run fails or is cancelled. */
  readonly undo: boolean;
}

export interface Program {
  /** What the run's guarded writes go to: its key, if it has one. */
  readonly line: string;
  readonly parts: readonly Part[];
  /** Whether it fails at its end. */
  readonly fails: boolean;
}

/** What a call of `once` gives if nobody knows whether its body was carried out. */
export const UNKNOWN = 'unknown';
/** What bodies fail with that are to fail. */
export const PLANNED = 'planned';

/** Every tenth run of a process has a key, the same for all of them. */
export function keyOf(run: string): string | undefined {
  const [process, number] = run.split('-');
  return Number(number) % 10 === 0 ? process : undefined;
}

export function programOf(run: string): Program {
  const random = seededRandom(createHash('sha256').update(run).digest().readUInt32LE());
  const parts = drawParts(random, { at: '', kinds: TOP }, 1 + Math.floor(4 * random.unit()));
  return { line: keyOf(run) ?? run, parts, fails: random.unit() < 0.1 };
}

/** How many messages a run takes. */
export const receiptsOf = ({ parts }: Program): number => parts.filter(({ f }) => f === 'receive').length;

/** The steps of a run, without those of its children. */
export function stepsIn(parts: readonly Part[]): readonly Extract<Part, { f: 'step' | 'once' }>[] {
  return parts.flatMap((part) => {
    if (part.f === 'all') return stepsIn(part.parts);
    return part.f === 'step' || part.f === 'once' ? [part] : [];
  });
}

type Kind = Part['f'];

const INNER: readonly Kind[] = ['step', 'step', 'step', 'sleep'];
const TOP: readonly Kind[] = ['step', 'step', 'step', 'step', 'once', 'sleep', 'receive', 'child', 'all'];

interface Drawing {
  /** Begins the names of the steps. */
  readonly at: string;
  readonly kinds: readonly Kind[];
}

function drawParts(random: Random, drawing: Drawing, count: number): readonly Part[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `${drawing.at}${index}`;
    const f = drawing.kinds[Math.floor(random.unit() * drawing.kinds.length)] as Kind;
    switch (f) {
      case 'step':
        return { f, name, body: drawBody(random) };
      case 'once':
        return { f, name, body: { ...drawBody(random), does: 'nothing', fails: 0, undo: false } };
      case 'sleep':
        return { f, for: Math.round(1_500 * random.unit()) };
      case 'receive':
        return { f };
      default:
        return { f, parts: drawParts(random, { at: `${name}.`, kinds: INNER }, 2) };
    }
  });
}

function drawBody(random: Random): Body {
  const lot = random.unit();
  return {
    does: lot < 0.6 ? 'write' : lot < 0.8 ? 'effect' : 'nothing',
    // Mostly short, sometimes about as long as a lease lasts.
    takes: Math.round(random.unit() < 0.1 ? 1.5 * LEASE * random.unit() : 20 * random.unit()),
    between: Math.round(random.unit() < 0.25 ? 1.5 * LEASE * random.unit() : 0),
    chunks: random.unit() < 0.2 ? 1 + Math.floor(4 * random.unit()) : 0,
    fails: random.unit() < 0.8 ? 0 : 1 + Math.floor(2 * random.unit()),
    heedless: random.unit() < 0.4,
    undo: random.unit() < 0.3,
  };
}
