/**
 * Adds to a plan what concerns guards and full servers: writers of two issuers at one resource, forged tokens, and nodes
 * whose memory is full for a while. Drawn from dice of its own, so that the rest of a plan stays as it was.
 */
import { Dice } from './dice.js';
import type { Fault, Plan, Step } from './plan.js';

export function withIssuers(plan: Plan): Plan {
  const dice = new Dice(plan.seed + 2 ** 31);
  const clients = dice.chance(0.4)
    ? plan.clients.map((client) => ({ ...client, tasks: [...client.tasks, ...drawTasks(dice)] }))
    : plan.clients;
  const full = dice.chance(0.25) ? Array.from({ length: dice.whole(1, 4) }, () => drawFull(dice, plan)) : [];
  return { ...plan, clients, faults: [...plan.faults, ...full].sort((a, b) => a.at - b.at) };
}

function drawTasks(dice: Dice): readonly (readonly Step[])[] {
  return Array.from({ length: dice.whole(0, 2) }, () =>
    Array.from({ length: dice.whole(2, 6) }, () => drawStep(dice)),
  );
}

function drawStep(dice: Dice): Step {
  return {
    f: 'issued',
    after: dice.scale(1, 1_000),
    issuer: dice.one(['one', 'two']),
    how: dice.one(['seal', 'seal', 'seal', 'transfer', 'transfer', 'forge']),
    hold: dice.scale(1, 500),
  };
}

function drawFull(dice: Dice, { nodes, deployment, healAt }: Plan): Fault {
  return {
    f: 'full',
    at: dice.whole(0, healAt),
    // The store stands behind the nodes.
    node: dice.whole(0, nodes),
    for: dice.scale(50, 2 * deployment.maxTtl),
  };
}
