/**
 * Draws a plan from a seed.
 *
 * Guarantees: the same seed gives the same plan. What it draws stays within what the documentation assumes of clocks,
 * but for runs that say so (`clocksJump`).
 */
import type { Memory } from '../world/node.js';
import { drawSleeper, withBlackout, withLateVote, withUnheardExtension, withWrongClocks } from './chains.js';
import { Dice } from './dice.js';
import { withIssuers } from './issuers.js';
import {
  type ClientPlan,
  type ClockPlan,
  EVERYTHING,
  EXCLUSIVE,
  type Fault,
  type Kind,
  type Plan,
  RESIZED,
  SEMAPHORE,
  SHARED,
  type Step,
} from './plan.js';

/** What a caller of `draw` may want to be so. */
export interface Wishes {
  readonly nodes?: number | undefined;
  readonly clients?: number | undefined;
  /** Which situation is drawn again and again. */
  readonly focus?: string | undefined;
}

export const drawPlan = (seed: number, wishes: Wishes = {}): Plan => withIssuers(drawLocks(seed, wishes));

function drawLocks(seed: number, wishes: Wishes): Plan {
  const dice = new Dice(seed);
  const nodes = wishes.nodes ?? dice.one([1, 3, 3, 3, 5, 5, 5, 5, 4]);
  const clients = wishes.clients ?? dice.whole(2, 4);
  const deployment = drawDeployment(dice.whole(1, DEPLOYMENTS));
  const synchronous = deployment.persistence === 'synchronous';
  const clocksJump = dice.chance(0.1);
  const faulty = dice.chance(0.95);
  const healAt = dice.whole(2_000, 6_000);
  const nodeClock = (): ClockPlan => drawClock(dice, deployment.window / 5);
  const world = { dice, nodes, clients, deployment, clocksJump, healAt, synchronous };
  const plan: Plan = {
    seed,
    nodes,
    deployment,
    latency: { base: dice.scale(50, 1_000), jitter: dice.scale(20, 4_000) },
    resends: dice.chance(0.3),
    initialized: dice.chance(0.85),
    nodeClocks: Array.from({ length: nodes + 1 }, nodeClock),
    clients: Array.from({ length: clients }, () => drawClient(dice, deployment)),
    faults: faulty ? drawFaults(world) : [],
    contests: [dice.one(EVERYTHING), dice.one(EVERYTHING)],
    healAt,
    clocksJump,
  };
  if (dice.chance(0.06)) return withResizes(plan, dice);
  const astray = nodes > 2 && dice.chance(0.12) ? withWrongClocks(plan, dice) : plan;
  if (!faulty || synchronous) return astray;
  const chain = dice.whole(1, 100);
  if (chain <= 8) return withBlackout(astray, dice);
  if (chain <= 11) return nodes > 2 ? withLateVote(astray, dice) : astray;
  return chain <= 14 ? withUnheardExtension(astray, dice) : astray;
}

/** Each has scripts of its own, and their compilation takes longer than a run. */
const DEPLOYMENTS = 12;

function drawDeployment(seed: number): Plan['deployment'] {
  const dice = new Dice(seed);
  const window = dice.whole(200, 500);
  return {
    maxTtl: dice.whole(600, 1_500),
    window,
    margin: dice.whole(50, 300),
    retention: 2 * window + dice.scale(1, 3_000),
    callTimeout: dice.whole(60, 300),
    persistence: seed === DEPLOYMENTS ? 'synchronous' : 'none',
  };
}

/** Two clocks differ by less than the drift of 1 % that the clients allow for. */
function drawClock(dice: Dice, ahead: number): ClockPlan {
  return { rate: dice.between(0.9955, 1.0045), aheadMs: dice.between(-ahead, ahead) };
}

function drawClient(dice: Dice, { maxTtl, window }: Plan['deployment']): ClientPlan {
  return {
    // No client's wall clock needs to be right.
    clock: drawClock(dice, dice.one([50, window, dice.scale(1, 10_000_000)])),
    tasks: Array.from({ length: dice.one([1, 1, 2]) }, () =>
      Array.from({ length: dice.whole(2, 5) }, () => drawStep(dice, maxTtl)),
    ),
  };
}

function drawStep(dice: Dice, maxTtl: number): Step {
  const ttl = dice.scale(80, maxTtl);
  const terms = {
    after: dice.chance(0.3) ? 0 : dice.scale(1, 1_000),
    ttl,
    wait: dice.chance(0.25) ? 0 : dice.scale(20, 4_000),
    hold: dice.chance(0.15) ? dice.scale(ttl, 3 * ttl) : dice.scale(1, ttl),
    abortAfter: dice.chance(0.08) ? dice.scale(1, 500) : undefined,
  };
  const kind = dice.whole(1, 100);
  if (kind <= 6)
    return { f: 'several', resources: dice.chance(0.5) ? ['a', 'b'] : ['b', 'a', SHARED], ...terms };
  if (kind <= 9) {
    return {
      f: 'adopt',
      after: terms.after,
      resource: dice.one(EXCLUSIVE),
      ttl,
      hold: Math.min(terms.hold, ttl),
    };
  }
  if (kind <= 14) return drawSleeper(dice, { ...terms, ttl, maxTtl });
  if (kind <= 16) return drawResize(dice, { after: terms.after, ttl, wait: terms.wait });
  const [what, resource] = drawResource(dice);
  const renewed = dice.chance(0.3);
  return {
    f: 'hold',
    kind: what,
    resource,
    ...terms,
    writes: what === 'exclusive' ? dice.whole(0, 3) : 0,
    extensions: renewed ? 0 : dice.one([0, 0, 1, 2, 3]),
    extendedTtl: dice.chance(0.6) ? ttl : dice.scale(80, maxTtl),
    pace: dice.between(0.05, 0.95),
    heedless: dice.chance(0.5),
    renewed,
    ...(resource === RESIZED.name && dice.chance(0.3) && { believed: dice.whole(1, RESIZED.most) }),
  };
}

function drawResize(dice: Dice, terms: { after: number; ttl: number; wait: number }): Step {
  const [believed, permits] = [dice.whole(1, RESIZED.most), dice.whole(1, RESIZED.most)];
  return { f: 'resize', believed, permits, ...terms };
}

/** Everybody uses one semaphore, and its number changes often. */
function withResizes(plan: Plan, dice: Dice): Plan {
  const change = (step: Step): Step => {
    if (step.f !== 'hold') return step;
    const { after, ttl, wait } = step;
    if (dice.chance(0.25)) return drawResize(dice, { after, ttl, wait });
    const believed = dice.chance(0.2) ? dice.whole(1, RESIZED.most) : undefined;
    return { ...step, kind: 'permit', resource: RESIZED.name, writes: 0, renewed: false, believed };
  };
  const clients = plan.clients.map(({ clock, tasks }) => ({
    clock,
    tasks: tasks.map((steps) => steps.map(change)),
  }));
  return { ...plan, clients };
}

function drawResource(dice: Dice): [Kind, string] {
  const number = dice.whole(1, 100);
  if (number <= 60) return ['exclusive', dice.one(EXCLUSIVE)];
  if (number <= 68) return ['exclusive', SHARED];
  if (number <= 83) return ['shared', SHARED];
  return ['permit', number <= 91 ? SEMAPHORE.name : RESIZED.name];
}

interface World {
  readonly dice: Dice;
  readonly nodes: number;
  readonly clients: number;
  readonly deployment: Plan['deployment'];
  readonly clocksJump: boolean;
  readonly healAt: number;
  readonly synchronous: boolean;
}

function drawFaults(world: World): Fault[] {
  const { dice, nodes, healAt } = world;
  const faults = Array.from({ length: dice.whole(1, 12) }, () => drawFault(world));
  if (dice.chance(0.15)) faults.push(...drawRolling(world));
  if (world.clocksJump) {
    // Each node's clock once, so that a majority stays within the window of the clients.
    const by = dice.between(10, world.deployment.window / 3);
    faults.push(
      ...dice.some(nodes).map((node): Fault => ({ f: 'node clock', at: dice.whole(0, healAt), node, by })),
    );
  }
  return faults.sort((a, b) => a.at - b.at);
}

/** A restart of every node, one after the other. */
function drawRolling(world: World): Fault[] {
  const { dice, nodes, healAt, synchronous } = world;
  const begin = dice.whole(0, healAt / 2);
  const apart = dice.scale(50, 1_000);
  const memory: Memory = synchronous ? 'all' : dice.one(['all', 'some', 'none']);
  return Array.from({ length: nodes }, (_, node) => ({
    f: 'crash',
    at: Math.min(healAt, begin + node * apart),
    node,
    for: dice.scale(1, 300),
    memory,
    savedBefore: dice.whole(1, 1_000),
  }));
}

const KINDS = [
  ...['cut', 'cut', 'lag', 'lag', 'break', 'break', 'freeze', 'freeze', 'slow'],
  ...['crash', 'crash', 'crash', 'flush', 'pause', 'pause', 'pause', 'kill', 'client clock', 'store'],
] as const;

function drawFault(world: World): Fault {
  const { dice, healAt, deployment } = world;
  const kind = dice.one(KINDS);
  const at = dice.whole(0, healAt);
  const duration = dice.scale(5, 2 * deployment.maxTtl);
  if (kind === 'store') return drawCrash(world, at, world.nodes);
  // The store stands behind the nodes.
  const node = dice.whole(0, world.nodes - 1);
  const anywhere = dice.chance(0.1) ? world.nodes : node;
  const client = dice.whole(0, world.clients - 1);
  switch (kind) {
    case 'cut':
    case 'lag': {
      const clients = dice.some(world.clients);
      const nodes = dice.some(world.nodes);
      if (kind === 'lag')
        return { f: 'lag', at, clients, nodes, lag: dice.scale(1, deployment.maxTtl), for: duration };
      return {
        f: 'cut',
        at,
        clients,
        nodes,
        direction: dice.one(['both', 'both', 'up', 'down']),
        for: duration,
      };
    }
    case 'break':
      return {
        f: 'break',
        at,
        client,
        node: anywhere,
        lateness: dice.chance(0.5) ? dice.scale(1, 3_000) : undefined,
      };
    case 'freeze':
      return { f: 'freeze', at, node: anywhere, for: duration };
    case 'slow':
      return { f: 'slow', at, node: anywhere, by: dice.scale(1, 100), for: duration };
    case 'crash':
      return drawCrash(world, at, node);
    case 'flush':
      return world.synchronous ? drawCrash(world, at, node) : { f: 'flush', at, node };
    case 'pause':
      return { f: 'pause', at, client, for: duration, atReading: dice.chance(0.5) };
    case 'kill':
      return { f: 'kill', at, client, for: duration };
    case 'client clock':
      return { f: 'client clock', at, client, by: dice.between(-1, 1) * dice.scale(1, 100_000) };
  }
}

function drawCrash(world: World, at: number, node: number): Fault {
  const { dice, synchronous, nodes } = world;
  const durable = synchronous && node < nodes;
  const memory: Memory = durable ? 'all' : dice.one(['all', 'some', 'none', 'none']);
  const savedBefore = dice.whole(1, 1_000);
  return { f: 'crash', at, node, for: dice.scale(1, 2_000), memory, savedBefore };
}
