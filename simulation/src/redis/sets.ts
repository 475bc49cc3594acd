/** The commands on sets. */
import type { Command } from './command.js';
import type { Keyspace } from './keyspace.js';
import type { Reply } from './reply.js';

function add(keys: Keyspace, [key = '', ...members]: readonly string[]): Reply {
  const known = keys.read(key, 'set');
  const set = known ?? new Set<string>();
  const before = set.size;
  for (const member of members) set.add(member);
  if (!known) keys.set(key, { type: 'set', value: set });
  return set.size - before;
}

function remove(keys: Keyspace, [key = '', ...members]: readonly string[]): Reply {
  const set = keys.read(key, 'set');
  const removed = members.filter((member) => set?.delete(member)).length;
  if (set?.size === 0) keys.delete(key);
  return removed;
}

export const sets: Readonly<Record<string, Command>> = {
  SADD: { least: 2, run: add },
  SREM: { least: 2, run: remove },
  SCARD: { least: 1, most: 1, run: (keys, [key = '']) => keys.read(key, 'set')?.size ?? 0 },
  SMISMEMBER: {
    least: 2,
    run: (keys, [key = '', ...members]) => {
      const set = keys.read(key, 'set');
      return members.map((member) => Number(set?.has(member) ?? false));
    },
  },
};
