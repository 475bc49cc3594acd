/**
 * What may be left of a queue when all its tasks have ended and its workers have stopped: results, dead letters, what is
 * remembered against repetition, and counters that stand at nothing.
 */
import type { World } from '../world/world.js';
import { EFFECTS, key } from './names.js';
import type { QueueOracle } from './oracle.js';
import type { QueuePlan } from './plan.js';

const MAY_STAY = [
  'meta',
  'events',
  'results',
  'letters',
  'own',
  'weights',
  'own_dead',
  'dead',
  'dedup',
  'deduped',
  'bell',
  'paces',
  'begun',
  'notices',
  'moves',
  'logs',
  'cancels',
  'cancelled',
  'reasons',
  'gathered',
  'litter',
  'guard',
  'mark:r',
].map(key);

export function judgeQueueRemains({ store }: World<QueuePlan>, oracle: QueueOracle): void {
  const leave = (what: string): void => oracle.violate('left behind', what);
  for (const [name, { type, value }] of Object.entries(store.server.dump())) {
    if (
      name === EFFECTS ||
      name === 'holdfast:queues' ||
      name === '{latch:l}:latch' ||
      MAY_STAY.includes(name)
    )
      continue;
    if (type !== 'stream') {
      leave(`the ${type} ${name}: ${JSON.stringify([...(value as Map<string, unknown>)]).slice(0, 200)}`);
      continue;
    }
    const { entries, groups } = value as {
      entries: Map<string, unknown>;
      groups: Map<string, { pending: Map<string, unknown> }>;
    };
    if (entries.size > 0) leave(`${entries.size} entries in ${name}`);
    for (const { pending } of groups.values())
      if (pending.size > 0) leave(`${pending.size} deliveries in ${name}`);
  }
  const returned = Number(store.server.execute('HGET', [key('meta'), 'returned']) ?? 0);
  if (returned !== 0) leave(`the counter "returned" stands at ${returned}`);
}
