/**
 * What the function of a simulated run does, as plain data: its input says all of it, and with it what its result must be.
 */
import type { Dice } from '../plan/dice.js';

export type Program =
  /** Its value is its name. */
  | { readonly f: 'step'; readonly name: string; readonly body: BodyPlan }
  | { readonly f: 'sleep'; readonly for: number }
  /** Its value is the id of the message that it takes; null if none has come in time. */
  | { readonly f: 'receive'; readonly timeout?: number; readonly answers?: true }
  /** A run of its own. */
  | { readonly f: 'child'; readonly of: Program }
  /** One after the other, or side by side: the values of all. */
  | { readonly f: 'turn' | 'all' | 'plain'; readonly parts: readonly Program[] }
  /** The value of the first to end. */
  | { readonly f: 'race'; readonly parts: readonly Program[] };

/** What the body of a step does. */
export interface BodyPlan {
  readonly takes: number;
  /** Attempts that fail. */
  readonly fails: number;
  /** Whether it fails for good. */
  readonly fatal: boolean;
  /** Goes on when its signal has aborted. */
  readonly heedless: boolean;
  /** Whether it writes behind the guard. */
  readonly guarded: boolean;
  /** Whether it is undone if the run fails. */
  readonly undo?: true;
  /** How many chunks it writes to a stream. */
  readonly chunks?: number;
}

/** How often a step is tried. */
export const ATTEMPTS = 3;
/** What steps fail with that are to fail. */
export const PLANNED = 'planned';

interface Drawing {
  readonly lease: number;
  /** How many branchings a program may still have, one in the other. */
  readonly depth: number;
  /** Of the part: names of steps begin with it. */
  readonly at: string;
  /** Whether somebody sends messages to it. */
  readonly receives: boolean;
}

export function drawProgram(dice: Dice, lease: number): Program {
  return { f: 'turn', parts: drawParts(dice, { lease, depth: 2, at: '', receives: true }, dice.whole(1, 4)) };
}

function drawParts(dice: Dice, drawing: Drawing, count: number): Program[] {
  return Array.from({ length: count }, (_, index) =>
    drawPart(dice, { ...drawing, at: drawing.at === '' ? String(index) : `${drawing.at}.${index}` }),
  );
}

function drawPart(dice: Dice, drawing: Drawing): Program {
  const { lease, depth, at, receives } = drawing;
  const f = dice.one([...LEAVES, ...(receives ? RECEIPTS : []), ...(depth > 0 ? BRANCHES : [])]);
  switch (f) {
    case 'sleep':
      return { f, for: dice.scale(1, 1_500) };
    case 'receive':
      return {
        f,
        ...(dice.chance(0.3) && { timeout: dice.scale(1, 1_000) }),
        ...(dice.chance(0.5) && { answers: true as const }),
      };
    case 'child':
      return { f, of: drawChild(dice, { lease, depth: 0, at, receives: false }) };
    case 'step':
      return { f, name: at, body: drawBody(dice, lease) };
    default:
      return { f, parts: drawParts(dice, { ...drawing, depth: depth - 1 }, dice.whole(2, 3)) };
  }
}

const drawChild = (dice: Dice, drawing: Drawing): Program => ({
  f: 'turn',
  parts: drawParts(dice, drawing, dice.whole(1, 2)),
});

const LEAVES = ['step', 'step', 'step', 'step', 'sleep'] as const;
const RECEIPTS = ['receive'] as const;
const BRANCHES = ['child', 'all', 'plain', 'turn', 'race'] as const;

function drawBody(dice: Dice, lease: number): BodyPlan {
  return {
    takes: dice.chance(0.15)
      ? dice.scale(lease / 2, Math.min(3_000, 2 * lease))
      : dice.one([0, dice.scale(1, 100)]),
    fails: dice.one([0, 0, 0, 0, 0, 0, 1, 2]),
    fatal: dice.chance(0.05),
    heedless: dice.chance(0.4),
    guarded: dice.chance(0.5),
    ...(dice.chance(0.25) && { undo: true as const }),
    ...(dice.chance(0.2) && { chunks: dice.whole(1, 5) }),
  };
}

/** How many messages it takes at the most. */
export function receipts(program: Program): number {
  if (program.f === 'receive') return 1;
  return 'parts' in program ? program.parts.reduce((sum, part) => sum + receipts(part), 0) : 0;
}
