/**
 * Faults of a plan that has one server, which keeps what is simulated: those of its clients, of the links and of the server.
 */
import type { Dice } from './dice.js';
import type { Fault } from './plan.js';

/** How far clocks are from true time, in ms. */
export const CLOCK_AHEAD = 400;

/** How far the clocks of servers that follow one another may be from the first one's, in ms: they differ by less than 5 s. */
const FAILOVER_AHEAD = 2_300;

/** How far the server's clock may jump: leases end early then, and only tokens are in order. */
const JUMP = 3_000;

export interface FaultOptions {
  readonly clients: number;
  readonly healAt: number;
  readonly lossy: boolean;
  readonly clocksJump: boolean;
  readonly lease: number;
}

const KINDS = [
  ...['cut', 'cut', 'lag', 'break', 'break', 'break', 'break', 'freeze', 'freeze', 'slow', 'full', 'crash'],
  ...['crash', 'pause', 'pause', 'pause', 'pause', 'kill', 'kill', 'client clock', 'flush'],
] as const;

export function drawFaults(dice: Dice, options: FaultOptions): Fault[] {
  const faults = Array.from({ length: dice.whole(1, 10) }, () => drawFault(dice, options));
  if (options.clocksJump) {
    const by = dice.between(-1, 1) * dice.scale(1, JUMP);
    faults.push({ f: 'node clock', at: dice.whole(0, options.healAt), node: 0, by });
  }
  if (options.lossy && dice.chance(0.25)) faults.push(...drawLosses(dice, options));
  return faults.sort((one, two) => one.at - two.at);
}

/** The server forgets a part of what it knew, and soon after that everything. */
function drawLosses(dice: Dice, { healAt }: FaultOptions): Fault[] {
  const at = dice.whole(100, healAt - 1_000);
  const crash = {
    f: 'crash',
    at,
    node: 0,
    for: 10,
    memory: 'some',
    savedBefore: dice.whole(1, 500),
  } as const;
  return [crash, { f: 'flush', at: at + dice.whole(50, 900), node: 0 }];
}

/** Two, one after the other: another server with another clock, which may not know of the one before. */
export function drawFailovers(dice: Dice, healAt: number): Fault[] {
  const first = dice.whole(200, healAt - 1_500);
  const second = first + dice.scale(100, 1_000);
  const [one, two] = [0, 0].map(() => Math.round(dice.between(-1, 1) * FAILOVER_AHEAD)) as [number, number];
  return [...failover(dice, first, one), ...failover(dice, second, two - one)];
}

function failover(dice: Dice, at: number, by: number): Fault[] {
  const savedBefore = dice.whole(1, 1_500);
  return [
    {
      f: 'crash',
      at,
      node: 0,
      for: dice.scale(2, 90),
      memory: 'some',
      savedBefore: Math.min(savedBefore, at),
    },
    { f: 'node clock', at: at + 1, node: 0, by },
  ];
}

function drawFault(dice: Dice, { clients, healAt, lossy, lease }: FaultOptions): Fault {
  const kind = dice.one(KINDS);
  const at = dice.whole(0, healAt - 10);
  const duration = dice.scale(5, 3 * lease);
  const client = dice.whole(0, clients - 1);
  const [node, nodes] = [0, [0]];
  switch (kind) {
    case 'cut':
      return {
        ...{ f: 'cut', at, clients: dice.some(clients), nodes, for: duration },
        direction: dice.one(['both', 'both', 'up', 'down']),
      };
    case 'lag':
      return { f: 'lag', at, clients: dice.some(clients), nodes, lag: dice.scale(1, lease), for: duration };
    case 'break':
      return { f: 'break', at, client, node, lateness: dice.chance(0.7) ? dice.scale(10, 1_000) : undefined };
    case 'freeze':
      return { f: 'freeze', at, node, for: duration };
    case 'slow':
      return { f: 'slow', at, node, by: dice.scale(1, 50), for: duration };
    case 'full':
      return { f: 'full', at, node, for: duration };
    case 'flush':
      if (lossy) return { f: 'flush', at, node };
      return { f: 'pause', at, client, for: duration, atReading: true };
    case 'crash': {
      // It is back before all faults are healed, with what the plan says.
      const back = Math.min(dice.scale(1, 1_500), healAt - at - 1);
      const memory = lossy ? dice.one(['all', 'some', 'none'] as const) : 'all';
      return { f: 'crash', at, node, for: back, memory, savedBefore: dice.whole(1, 1_000) };
    }
    case 'pause':
      return { f: 'pause', at, client, for: duration, atReading: dice.chance(0.5) };
    case 'kill':
      return { f: 'kill', at, client, for: duration };
    case 'client clock':
      return { f: 'client clock', at, client, by: dice.between(-1, 1) * dice.scale(1, 100_000) };
  }
}
