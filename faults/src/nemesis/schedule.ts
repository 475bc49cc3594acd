/**
 * Draws the faults of one episode from a seed. Pure: the same seed gives the same schedule.
 *
 * Guarantees: faults overlap, but no two have the same victim at the same time, so each can be injected as it is
 * planned; all of them are over by the end.
 */
import type { Random } from '@holdfast/kernel';
import type { Fault, FaultKind, LinkFault, PlannedFault } from './fault.js';

export interface Stage {
  /** How long the traffic goes on under faults, in ms. */
  readonly duration: number;
  readonly nodes: number;
  readonly watchers: number;
  readonly clients: number;
  /** The faults that may be injected. A kind that is named twice is drawn twice as often. */
  readonly kinds: readonly FaultKind[];
  /** Whether a node may come back without its data. */
  readonly mayForget: boolean;
}

const LINK_FAULTS: readonly LinkFault[] = [
  'slow',
  'throttled',
  'held',
  'dropped',
  'held-to-server',
  'held-to-client',
  'dropped-to-client',
  'cut',
  'refused',
];

/** The mean time between the beginnings of two faults, in ms: calm, lively and wild episodes. */
const PACES = [3_000, 1_500, 700];

/** How long the faults of a kind last, in ms. */
const SPANS: Record<FaultKind, readonly [number, number]> = {
  'kill-node': [100, 5_000],
  'cut-power': [1_100, 4_000],
  'freeze-node': [200, 6_000],
  'sleep-node': [200, 4_000],
  'flush-node': [1, 1],
  'fill-disk': [500, 4_000],
  // So that during a quarantine of four seconds a clock goes back by less than the margin of 200 ms.
  'step-clock': [1_500, 1_500],
  // Longer than any TTL: what a node forgets by a jump is over when its clock goes back.
  'jump-clock': [4_500, 9_000],
  'rolling-restart': [8_000, 15_000],
  'freeze-client': [500, 9_000],
  'kill-client': [100, 1_000],
  link: [200, 8_000],
  partition: [500, 8_000],
  'isolate-node': [500, 8_000],
  'freeze-watcher': [500, 6_000],
  'kill-watcher': [200, 4_000],
  failover: [1, 1],
  'kill-ledger': [100, 1_500],
  'freeze-ledger': [100, 2_000],
  'ledger-link': [200, 4_000],
};

/** What `appendfsync everysec` may lose, in ms. */
const MOST_FORGOTTEN = 1_000;

/** How far a clock goes back, and how far it jumps ahead: by more than two windows of a second, in ms. */
const STEP = 50;
const JUMP = [3_000, 6_000] as const;

/** How often the clock of a node may go back: the clocks of the nodes must agree within a window. */
const MOST_STEPS = 8;

/** Time that a victim has for itself behind a fault, in ms, because servers and clients take time to start. */
const GRACE = 500;

export function drawSchedule(random: Random, stage: Stage): readonly PlannedFault[] {
  const pace = pick(random, PACES);
  const planned: (PlannedFault & { readonly victims: readonly string[] })[] = [];
  for (let from = 500; from < stage.duration; from += 2 * pace * random.unit()) {
    const kind = pick(random, stage.kinds);
    const [least, most] = SPANS[kind];
    const until = from + least + random.unit() * (most - least);
    const fault = drawFault(random, kind, stage);
    const victims = victimsOf(fault, stage);
    const taken = planned.some(
      (other) =>
        other.until + GRACE > from &&
        other.from < until + GRACE &&
        other.victims.some((victim) => victims.includes(victim)),
    );
    const steps = planned.filter((other) => other.fault.kind === kind && sameNode(other.fault, fault));
    if (kind === 'step-clock' && steps.length >= MOST_STEPS) continue;
    if (!taken && until < stage.duration) {
      planned.push({ from: Math.round(from), until: Math.round(until), fault, victims });
    }
  }
  return planned.map(({ from, until, fault }) => ({ from, until, fault }));
}

function drawFault(random: Random, kind: FaultKind, stage: Stage): Fault {
  const node = Math.floor(random.unit() * stage.nodes);
  const client = Math.floor(random.unit() * stage.clients);
  const empty = random.unit() < 0.5 && stage.mayForget;
  const how = pick(random, LINK_FAULTS);
  const reach = 1 + Math.floor(random.unit() * stage.nodes);
  switch (kind) {
    case 'kill-node':
      return { kind, node, empty };
    case 'cut-power':
      return { kind, node, forgets: Math.round(MOST_FORGOTTEN * random.unit()) };
    case 'rolling-restart':
      return { kind, empty };
    case 'freeze-node':
    case 'sleep-node':
    case 'flush-node':
    case 'fill-disk':
      return { kind, node };
    case 'step-clock':
      return { kind, node, by: -Math.round(STEP * random.unit()) };
    case 'jump-clock': {
      const by = Math.round(JUMP[0] + random.unit() * (JUMP[1] - JUMP[0]));
      // Each has a place of its own, and there are fewer places than make a majority.
      return { kind, node, by, place: Math.floor((random.unit() * (stage.nodes - 1)) / 2) };
    }
    case 'freeze-client':
    case 'kill-client':
      return { kind, client };
    case 'link':
      return { kind, how, client, node };
    case 'freeze-watcher':
    case 'kill-watcher':
      return { kind, watcher: Math.floor(random.unit() * stage.watchers) };
    case 'isolate-node':
      return { kind, how, node, client };
    case 'partition': {
      const nodes = Array.from({ length: reach }, (_, index) => (node + index) % stage.nodes);
      return { kind, how, client, nodes };
    }
    case 'ledger-link':
      return { kind, how, client };
    default:
      return { kind };
  }
}

/** The victims that a fault keeps for itself while it lasts. */
function victimsOf(fault: Fault, stage: Stage): readonly string[] {
  switch (fault.kind) {
    case 'rolling-restart':
      return Array.from({ length: stage.nodes }, (_, node) => `node ${node}`);
    case 'link':
      return [`link ${fault.client}-${fault.node}`];
    case 'partition':
      return fault.nodes.map((node) => `link ${fault.client}-${node}`);
    case 'ledger-link':
      return [`ledger link ${fault.client}`];
    case 'isolate-node':
      return [`inside ${fault.node}`, `link ${fault.client}-${fault.node}`];
    case 'failover':
      return ['failover'];
    case 'freeze-watcher':
    case 'kill-watcher':
      return ['watchers']; // one at a time
    case 'kill-ledger':
    case 'freeze-ledger':
      return ['ledger'];
    case 'freeze-client':
    case 'kill-client':
      return [`client ${fault.client}`];
    case 'jump-clock':
      return [`node ${fault.node}`, `jump ${fault.place}`];
    default:
      return [`node ${fault.node}`];
  }
}

const sameNode = (a: Fault, b: Fault): boolean => 'node' in a && 'node' in b && a.node === b.node;

function pick<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random.unit() * list.length)] as T;
}
