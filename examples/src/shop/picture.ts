/** What is shown of the shop in a terminal. */
import { colourOf } from '../ledger/picture.js';
import { type Picture, paint } from '../ledger/view.js';
import { type Customers, percentile } from './customers.js';
import type { Scene } from './faults.js';
import type { Options } from './options.js';

export function pictureOf({ crew, health, tally }: Scene, customers: Customers, options: Options): Picture {
  const began = performance.now();
  const orders = () => {
    const { took, waiting } = customers;
    const rate = took.length / ((performance.now() - began) / 1_000 || 1);
    return `${took.length} done, ${waiting} waiting  ${rate.toFixed(0)}/s  p99 ${percentile(took, 0.99).toFixed(0)} ms`;
  };
  const twice = () => crew.charged.length - new Set(crew.charged.map(({ order }) => order)).size;
  return {
    line: () =>
      `orders ${orders()}  refused ${crew.refused}  charged twice ${twice()}  nodes: ${health.summary()}`,
    lines: (time) => [
      `${paint('bold', 'Holdfast')}  ${time}s  shop http://localhost:${crew.port}`,
      '',
      `  nodes     ${health.nodes.map((node) => `${node.port} ${paint(colourOf(health.of(node)), health.of(node))}`).join('  ')}`,
      `  orders    ${orders()}`,
      `  workers   ${crew.seats.map(({ name, state }) => `${name} ${paint(colourOf(state), state)}`).join('  ')}`,
      `  refused   ${crew.refused} stale writes   charged twice ${paint(twice() > 0 ? 'red' : 'bold', String(twice()))}`,
      `  faults    ${tally.frozen} froze, ${tally.killed} killed, ${tally.emptied} nodes emptied   fencing ${crew.fenced ? 'on' : paint('red', 'OFF')}`,
      options.fenced ? '' : paint('red', '  nothing checks the writes'),
    ],
  };
}
