/** The state of the shop, and how it is shown in a terminal. */
import { colourOf } from '../../ledger/picture.js';
import { type Picture, paint } from '../../ledger/view.js';
import type { Snapshot, Systems } from '../messages.js';
import { YOURS } from '../setting.js';
import { type Customers, percentile } from './customers.js';
import type { Faults, Scene } from './faults.js';

/** For how long moments are shown, in ms. */
const SHOWN = 20_000;
/** What the rate of orders is of, in ms. */
const LATELY = 5_000;

export function snapshotOf(
  { crew, health, tally }: Scene,
  { took, told }: Customers,
  faults: Faults,
): Snapshot {
  const now = Date.now();
  const recent = crew.moments.filter(({ at }) => at > now - SHOWN);
  // At the beginning, since the first moment.
  const since = Math.max(now - LATELY, crew.moments[0]?.at ?? now);
  // That of the worker that froze last is the one to see.
  const { account = YOURS } = tally;
  return {
    orders: {
      ...{ done: took.length, waiting: told.size - took.length },
      rate:
        recent.filter(({ kind, at }) => kind === 'charged' && at >= since).length /
        Math.max(1, (now - since) / 1_000),
      p99: percentile(took.slice(-1_000), 0.99),
    },
    ...{ chargedTwice: crew.chargedTwice, refused: crew.refused },
    nodes: health.nodes.map((node) => ({ name: String(node.port), state: health.of(node) })),
    workers: crew.seats.map(({ name, state }) => ({ name, state })),
    ...{ systems: crew.systems, faults: faults.on, fencing: crew.fenced, now, account },
    moments: recent.filter((moment) => moment.account === account),
  };
}

/** `look` gives the state of the moment. */
export function pictureOf({ crew, tally }: Scene, look: () => Snapshot): Picture {
  const told = ({ done, waiting, rate, p99 }: Snapshot['orders']): string =>
    `${done} done, ${waiting} waiting  ${rate.toFixed(0)}/s  p99 ${p99.toFixed(0)} ms`;
  const states = (all: Snapshot['nodes']): string =>
    all.map(({ name, state }) => `${name} ${paint(colourOf(state), state)}`).join('  ');
  return {
    line() {
      const { orders, refused, chargedTwice, nodes } = look();
      const out = nodes.filter(({ state }) => state !== 'voting').length;
      return `orders ${told(orders)}  refused ${refused}  charged twice ${chargedTwice}  nodes ${nodes.length - out} of ${nodes.length} vote`;
    },
    lines(time) {
      const { orders, refused, chargedTwice, nodes, workers, systems, faults, fencing } = look();
      const { frozen, killed, emptied } = tally;
      return [
        `${paint('bold', 'Holdfast')}  ${time}s  shop http://localhost:${crew.port}   q quits  f faults  g fencing`,
        `  nodes     ${states(nodes)}`,
        `  workers   ${states(workers)}`,
        `  orders    ${told(orders)}`,
        ...(systems ? systemLines(systems) : []),
        `  refused   ${refused} stale writes   charged twice ${paint(chargedTwice > 0 ? 'red' : 'bold', String(chargedTwice))}`,
        `  faults    ${faults ? 'on' : 'off'}: ${frozen} froze, ${killed} killed, ${emptied} nodes emptied   fencing ${fencing ? 'on' : paint('red', 'OFF: nothing checks the writes')}`,
        '',
      ];
    },
  };
}

const systemLines = ({ pictures, checks, purchases, search }: Systems): string[] => [
  `  pictures  ${pictures.waiting} waiting, ${pictures.done} done   fraud checks  ${checks.running} running, ${checks.done} done, ${checks.stuck} stuck`,
  `  features  ${purchases} purchases counted   search  ${search.toFixed(1)} ms`,
];
