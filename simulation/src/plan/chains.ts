/**
 * Chains of events that chance alone would hardly put together: each needs several clients and faults at the right time.
 * A chain is added to a plan whose other parts go on beside it.
 */
import type { Dice } from './dice.js';
import { EXCLUSIVE, type Fault, type Plan, QUIET, type Step } from './plan.js';

type Hold = Step & { f: 'hold' };

/** Somebody who holds for a while, as often as not past the end of the lease, and extends it in between. */
export function drawSleeper(
  dice: Dice,
  terms: Pick<Hold, 'after' | 'ttl' | 'wait'> & { maxTtl: number },
): Hold {
  const { maxTtl, ...others } = terms;
  return {
    ...{ f: 'hold', kind: 'exclusive', resource: dice.one([...EXCLUSIVE, QUIET, QUIET]), ...others },
    ...{ hold: dice.scale(maxTtl, 5 * maxTtl), writes: dice.whole(0, 2), extensions: dice.whole(2, 6) },
    ...{ extendedTtl: terms.ttl, pace: dice.between(0.02, 0.98), heedless: true, renewed: false },
  };
}

const holding = (step: Pick<Hold, 'after' | 'ttl' | 'wait' | 'hold'> & Partial<Hold>): Hold => ({
  ...{ f: 'hold', kind: 'exclusive', resource: QUIET, abortAfter: undefined, writes: 0, extensions: 0 },
  ...{ extendedTtl: step.ttl, pace: 0.5, heedless: false, renewed: false },
  ...step,
});

/** Gives each of the first clients a task more, and the plan more faults. */
function extended(plan: Plan, tasks: readonly (readonly Step[])[], faults: readonly Fault[]): Plan {
  return {
    ...plan,
    initialized: true,
    clients: plan.clients.map((client, index) => {
      const task = tasks[index];
      return task ? { ...client, tasks: [task, ...client.tasks] } : client;
    }),
    faults: [...plan.faults, ...faults].sort((one, two) => one.at - two.at),
  };
}

const others = (plan: Plan, spared: number): number[] =>
  Array.from({ length: plan.nodes }, (_, node) => node).filter((node) => node !== spared);

/**
 * One sleeps past the end of the lease, another has it meanwhile; then most nodes lose power, and come back with what they
 * had saved a while before.
 */
export function withBlackout(plan: Plan, dice: Dice): Plan {
  const { maxTtl } = plan.deployment;
  const ttl = dice.scale(80, maxTtl / 2);
  const begin = dice.whole(10, 500);
  const at = begin + 2 * ttl + dice.whole(0, 300);
  const spared = dice.whole(0, plan.nodes);
  const savedBefore = dice.whole(1, at - begin);
  const sleeper = { ...drawSleeper(dice, { ttl, wait: 4_000, after: begin, maxTtl }), resource: QUIET };
  const other = holding({ after: begin + ttl, ttl, wait: 4_000, hold: dice.whole(1, ttl) });
  const crashes = others(plan, spared).map(
    (node): Fault => ({ f: 'crash', at, node, for: dice.scale(1, 300), memory: 'some', savedBefore }),
  );
  return extended(plan, [[sleeper], [other]], crashes);
}

/**
 * One extends a lease, which one node hears only much later; the lease ends, another has it without the last node, and all
 * others forget. What the late vote brings about must not revive the first lease. Its time of day may have jumped.
 */
export function withLateVote(plan: Plan, dice: Dice): Plan {
  const { window, margin, maxTtl } = plan.deployment;
  const quarantine = Math.max(maxTtl, 2 * window + margin);
  const ttl = dice.whole(100, 200);
  const begin = dice.whole(10, 300);
  const flushed = begin + 2 * ttl + dice.whole(50, 200);
  // Heard when all who forgot vote again.
  const lag = flushed - begin + quarantine * 1.02 + dice.whole(20, 300);
  const first = holding({
    ...{ after: begin, ttl, wait: 0, extensions: 2, heedless: true },
    ...{ hold: lag + 60 + dice.whole(10, 200), pace: 40 / lag },
  });
  const second = holding({ after: begin + ttl + 60, ttl, wait: 1_000, hold: 5 });
  // The first vote begins the quarantine.
  const third = holding({ after: flushed - begin, ttl, wait: 0, hold: 1, resource: EXCLUSIVE[0] });
  const spared = plan.nodes - 1;
  const faults: Fault[] = [
    { f: 'lag', at: begin + 15, clients: [0], nodes: [0], lag, for: 100 },
    { f: 'cut', at: begin + ttl, clients: [1], nodes: [spared], direction: 'both', for: quarantine + 600 },
    ...others(plan, spared).map((node): Fault => ({ f: 'flush', at: flushed, node })),
  ];
  if (dice.chance(0.5)) faults.push({ f: 'client clock', at: begin + 15, client: 0, by: 3_600_000 });
  return {
    ...extended(plan, [[first], [second, third]], faults),
    healAt: Math.max(plan.healAt, begin + lag + 1_000),
  };
}

/**
 * One extends a lease by less than it has, and hears of no vote, so that it goes on under what it had; then another asks for
 * it.
 */
export function withUnheardExtension(plan: Plan, dice: Dice): Plan {
  const { maxTtl } = plan.deployment;
  const ttl = dice.whole(Math.ceil(maxTtl / 2), maxTtl);
  const short = dice.scale(20, ttl / 8);
  const begin = dice.whole(10, 300);
  const first = holding({
    ...{ after: begin, ttl, wait: 0, hold: 0.8 * ttl, extensions: 2, pace: 0.1, extendedTtl: short },
  });
  const second = holding({ after: begin + short + 0.2 * ttl, ttl, wait: ttl, hold: 1 });
  const all = Array.from({ length: plan.nodes }, (_, node) => node);
  const cut = all.map(
    (node): Fault => ({
      ...{ f: 'cut', at: begin + 0.05 * ttl, clients: [0], nodes: [node], direction: 'down' },
      for: 0.5 * ttl,
    }),
  );
  return extended(plan, [[first], [second]], cut);
}

/** A minority of the nodes has a wrong clock from the start; as often as not a client shares it. */
export function withWrongClocks(plan: Plan, dice: Dice): Plan {
  const wrong = dice.one([1, -1]) * dice.scale(2 * plan.deployment.window, 3_600_000);
  const few = dice.whole(1, Math.ceil(plan.nodes / 2) - 1);
  const sharing = dice.chance(0.5) ? dice.whole(0, plan.clients.length - 1) : undefined;
  return {
    ...plan,
    nodeClocks: plan.nodeClocks.map((clock, node) => (node < few ? { ...clock, aheadMs: wrong } : clock)),
    clients: plan.clients.map((client, place) =>
      place === sharing ? { ...client, clock: { ...client.clock, aheadMs: wrong } } : client,
    ),
  };
}
