/**
 * What may be left on the nodes when everybody has gone and the memory of fences has run out: the deployment's record and
 * the number of permits, and nobody who listens.
 */
import type { World } from '../world/world.js';
import type { Oracle } from './oracle.js';

const MAY_STAY = /^\{[^}]*\}:(record|permits:.*)$/;

export function judgeRemains(world: World, oracle: Oracle): void {
  for (const node of world.nodes) {
    if (node === world.store) continue;
    for (const [key, { type, expires }] of Object.entries(node.server.dump())) {
      const hint = expires === undefined ? 'without an expiry' : 'with an expiry that is not near';
      if (!MAY_STAY.test(key))
        oracle.violate('left behind', `${node.name} keeps the ${type} ${key}, ${hint}`);
    }
    for (const connection of node.connections) {
      if (connection.channels.size > 0)
        oracle.violate('left behind', `somebody still listens at ${node.name}`);
    }
  }
}
