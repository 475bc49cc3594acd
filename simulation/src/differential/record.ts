/**
 * Sequences of commands as shipped clients send them: what nodes were sent in simulated runs, cut into pieces, with the
 * tokens moved to the present, and with raw commands in between.
 */

import type { Dice } from '../plan/dice.js';
import { LOCKS } from '../run/scenario.js';
import { BEGINNING } from '../world/machine.js';
import { drawRaw, drawStreams, type Sent } from './raw.js';

export interface Sequence {
  /** Together with the place, what it can be drawn from again. */
  readonly seed: number;
  readonly place: number;
  readonly commands: readonly Sent[];
  /** The channels on which somebody is to listen. */
  readonly channels: readonly string[];
}

interface Recorded extends Sent {
  /** Microseconds since the beginning. */
  readonly time: number;
}

/** How many commands of a node make a sequence. */
const LENGTH = 12;

/** What needs a connection of its own, or says what differs from server to server. */
const LEFT_OUT = new Set(['PING', 'SUBSCRIBE', 'INFO']);

/** The sequences of the simulated run of this seed. `now` is the present, in microseconds since 1970. */
export async function recordSequences(seed: number, dice: Dice, now: () => number): Promise<Sequence[]> {
  const nodes = new Map<string, Recorded[]>();
  await LOCKS.run(LOCKS.draw(seed), {
    onCommand: (node, time, { name, args }) => {
      if (LEFT_OUT.has(name)) return;
      const recorded = nodes.get(node) ?? [];
      recorded.push({ name, args, time });
      nodes.set(node, recorded);
    },
  });
  const sequences: Sequence[] = [0, 1].map((place) => ({
    seed,
    place,
    commands: drawStreams(dice),
    channels: [],
  }));
  for (const recorded of nodes.values()) {
    const opening = recorded.filter(isOpening);
    for (let begin = 0; begin < recorded.length; begin += LENGTH) {
      const piece = recorded.slice(begin, begin + LENGTH).filter((command) => !isOpening(command));
      const [first] = piece;
      if (first === undefined) continue;
      const moved = (command: Sent): Sent => move(command, now() - BEGINNING - first.time);
      const mixed = piece.flatMap((command) =>
        dice.chance(0.25) ? [moved(command), drawRaw(dice)] : [moved(command)],
      );
      const opened = opening.filter(({ args }) => args[0] === 'LOAD' || dice.chance(0.8));
      const commands = [...unique(opened), ...mixed];
      sequences.push({ seed, place: sequences.length, commands, channels: channelsOf(piece, dice) });
    }
  }
  return sequences;
}

/** What a node is told first: its scripts, and that it is new. */
function isOpening({ name, args }: Sent): boolean {
  const [first = ''] = args;
  return name === 'FUNCTION' || name === 'SCRIPT' || (name === 'EVAL' && first.includes('-- initialize:'));
}

function unique(commands: readonly Sent[]): Sent[] {
  return [...new Map(commands.map((command) => [JSON.stringify(command), command])).values()];
}

/** Tokens are times; those of the simulated run lie in the future or the past. */
function move({ name, args }: Sent, by: number): Sent {
  const shifted = args.map((arg, place) =>
    place === 0 ? arg : arg.replaceAll(/\b179\d{13}\b/g, (token) => String(Number(token) + by)),
  );
  return { name, args: shifted };
}

/** The channels of some of the owners. */
function channelsOf(piece: readonly Sent[], dice: Dice): string[] {
  const owners = piece.flatMap(({ args }) =>
    args.flatMap((arg) => /^\d+ (\S+)\.\d+r?$/.exec(arg)?.[1] ?? []),
  );
  return [...new Set(owners)].filter(() => dice.chance(0.6)).map((owner) => `{holdfast}:wake:${owner}`);
}
