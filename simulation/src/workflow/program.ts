/**
 * What the function of a simulated run does, as plain data: its input says all of it, and with it what its result must be.
 */
import type { Dice } from '../plan/dice.js';

export type Program =
  /** Its value is its name. */
  | { readonly f: 'step'; readonly name: string; readonly body: BodyPlan }
  /** The same, whose body is begun once at the most: its value is "unknown" if nobody knows whether it was carried out. */
  | { readonly f: 'once'; readonly name: string; readonly body: BodyPlan }
  /** `until`: by a time of the function's own clock. */
  | { readonly f: 'sleep'; readonly for: number; readonly until?: true }
  /** Its value is the id of the message that it takes; null if none has come in time. */
  | { readonly f: 'receive'; readonly timeout?: number; readonly answers?: true }
  /** Its value is what somebody answers; null if nobody has in time. */
  | { readonly f: 'approve'; readonly name: string; readonly timeout?: number }
  /** A task of a queue, whose result is waited for. */
  | { readonly f: 'task'; readonly name: string }
  /** Publishes a name, which is its value. */
  | { readonly f: 'state'; readonly name: string }
  /** Adds something that is to be undone. */
  | { readonly f: 'compensate'; readonly name: string; readonly body: BodyPlan }
  /** Whether a change of the function is taken: there is one answer for a run. */
  | { readonly f: 'patch' }
  /** So many passes, one after the other: the values of all. */
  | { readonly f: 'loop'; readonly of: Program; readonly passes: number }
  /** Its value is "late" if it takes longer. */
  | { readonly f: 'scope'; readonly of: Program; readonly timeout: number }
  /** A run of its own. */
  | { readonly f: 'child'; readonly of: Program }
  /** One after the other, or side by side: the values of all. */
  | { readonly f: 'turn' | 'all' | 'plain'; readonly parts: readonly Program[] }
  /** The value of the first to end. */
  | { readonly f: 'race'; readonly parts: readonly Program[] }
  /** The run goes on from its beginning, with another program. */
  | { readonly f: 'again'; readonly first: Program; readonly next: Program };

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
  /** How long it pauses before each of them, in ms. */
  readonly pace?: number;
  /** Whether its end carries out a command of Redis. */
  readonly effect?: true;
  /** Whether it keeps something for the attempt that follows. */
  readonly checkpoint?: true;
  /** Under which key its result is kept for other runs. */
  readonly cache?: string;
  /** Whether its call has a key in place of a number. */
  readonly keyed?: true;
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
  const draw = (): Program => ({
    f: 'turn',
    parts: drawParts(dice, { lease, depth: 2, at: '', receives: true }, dice.whole(1, 4)),
  });
  return dice.chance(0.08) ? { f: 'again', first: draw(), next: draw() } : draw();
}

function drawParts(dice: Dice, drawing: Drawing, count: number): Program[] {
  return Array.from({ length: count }, (_, index) =>
    drawPart(dice, { ...drawing, at: drawing.at === '' ? String(index) : `${drawing.at}.${index}` }),
  );
}

function drawPart(dice: Dice, drawing: Drawing): Program {
  const { lease, depth, at, receives } = drawing;
  const f = dice.one([...LEAVES, ...(receives ? RECEIPTS : []), ...(depth > 0 ? BRANCHES : [])]);
  const name = at;
  const deeper = { ...drawing, depth: depth - 1 };
  switch (f) {
    case 'sleep':
      return { f, for: dice.scale(1, 1_500), ...(dice.chance(0.3) && { until: true as const }) };
    case 'receive':
      return {
        f,
        ...(dice.chance(0.3) && { timeout: dice.scale(1, 1_000) }),
        ...(dice.chance(0.5) && { answers: true as const }),
      };
    case 'approve':
      return { f, name, ...(dice.chance(0.4) && { timeout: dice.scale(1, 1_000) }) };
    case 'task':
      // One in a loop could not be told from those of other passes.
      return at.includes('l') ? { f: 'state', name } : { f, name };
    case 'state':
      return { f, name };
    case 'patch':
      return { f };
    case 'compensate':
      return { f, name: `by hand ${name}`, body: NOTHING };
    case 'loop':
      return { f, of: drawPart(dice, { ...deeper, at: `${at}.l` }), passes: dice.whole(1, 4) };
    case 'scope':
      return { f, of: drawPart(dice, { ...deeper, at: `${at}.s` }), timeout: dice.scale(5, 2_000) };
    case 'child':
      return { f, of: drawChild(dice, { lease, depth: 0, at, receives: false }) };
    case 'once': {
      const { takes, heedless, fatal } = drawBody(dice, lease);
      return { f, name, body: { ...NOTHING, takes, heedless, fatal } };
    }
    case 'step':
      return { f, name, body: drawBody(dice, lease) };
    default:
      return { f, parts: drawParts(dice, deeper, dice.whole(2, 3)) };
  }
}

const drawChild = (dice: Dice, drawing: Drawing): Program => ({
  f: 'turn',
  parts: drawParts(dice, drawing, dice.whole(1, 2)),
});

const LEAVES = [
  ...(['step', 'step', 'step', 'step', 'step', 'step', 'step', 'step', 'sleep', 'sleep'] as const),
  ...(['once', 'state', 'patch', 'compensate'] as const),
] as const;
const RECEIPTS = ['receive', 'receive', 'approve', 'task'] as const;
const BRANCHES = [
  ...(['child', 'all', 'plain', 'turn', 'race', 'child', 'all', 'plain', 'turn', 'race'] as const),
  ...(['loop', 'scope'] as const),
] as const;

/** Does nothing but to be called. */
export const NOTHING: BodyPlan = { takes: 0, fails: 0, fatal: false, heedless: false, guarded: false };

function drawBody(dice: Dice, lease: number): BodyPlan {
  const fatal = dice.chance(0.05);
  return {
    takes: dice.chance(0.15)
      ? dice.scale(lease / 2, Math.min(3_000, 2 * lease))
      : dice.one([0, dice.scale(1, 100)]),
    fails: dice.one([0, 0, 0, 0, 0, 0, 1, 2]),
    fatal,
    heedless: dice.chance(0.4),
    guarded: dice.chance(0.5),
    ...(dice.chance(0.25) && { undo: true as const }),
    ...(dice.chance(0.2) && { chunks: dice.whole(1, 5) }),
    ...(dice.chance(0.2) && { checkpoint: true as const }),
    // What another run has given takes the place of the body, and of what that fails with.
    ...(dice.chance(0.1) && !fatal
      ? { cache: dice.one(['one', 'two']) }
      : dice.chance(0.3) && { effect: true as const }),
    ...(dice.chance(0.15) && { keyed: true as const }),
  };
}

/** The programs that are parts of one, and itself. */
export function partsOf(program: Program): readonly Program[] {
  const within =
    'parts' in program
      ? program.parts
      : program.f === 'again'
        ? [program.first, program.next]
        : 'of' in program && program.f !== 'child'
          ? [program.of]
          : [];
  return [program, ...within.flatMap(partsOf)];
}

/** How many messages it takes at the most. */
export function receipts(program: Program): number {
  switch (program.f) {
    case 'receive':
      return 1;
    case 'loop':
      return program.passes * receipts(program.of);
    case 'scope':
      return receipts(program.of);
    case 'again':
      return receipts(program.first) + receipts(program.next);
    default:
      return 'parts' in program ? program.parts.reduce((sum, part) => sum + receipts(part), 0) : 0;
  }
}
