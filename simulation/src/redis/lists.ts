/** The commands on lists. */
import { requireInteger } from './arguments.js';
import type { Command } from './command.js';
import type { Keyspace } from './keyspace.js';
import { type Reply, ServerError } from './reply.js';

function push(keys: Keyspace, [key = '', ...values]: readonly string[]): Reply {
  const known = keys.read(key, 'list');
  const list = known ?? [];
  list.push(...values);
  if (!known) keys.set(key, { type: 'list', value: list });
  return list.length;
}

/** Where a range begins, and where it ends, exclusively. */
function placesOf(length: number, first: string, last: string): readonly [number, number] {
  const [from, to] = [requireInteger(first), requireInteger(last)];
  const begin = Math.max(0, from < 0 ? length + from : from);
  const end = to < 0 ? length + to : to;
  return [begin, Math.max(begin, end + 1)];
}

function range(keys: Keyspace, [key = '', first = '', last = '']: readonly string[]): Reply {
  requireInteger(first);
  requireInteger(last);
  const list = keys.read(key, 'list') ?? [];
  return list.slice(...placesOf(list.length, first, last));
}

function trim(keys: Keyspace, [key = '', first = '', last = '']: readonly string[]): Reply {
  requireInteger(first);
  requireInteger(last);
  const list = keys.read(key, 'list');
  if (!list) return 'OK';
  const kept = list.slice(...placesOf(list.length, first, last));
  list.splice(0, list.length, ...kept);
  if (list.length === 0) keys.delete(key);
  return 'OK';
}

function at(keys: Keyspace, [key = '', index = '']: readonly string[]): Reply {
  const list = keys.read(key, 'list');
  return list?.at(requireInteger(index)) ?? null;
}

/** As in a script: it does not wait. */
function pop(keys: Keyspace, args: readonly string[]): Reply {
  const timeout = args.at(-1) ?? '';
  if (!/^\d+(?:\.\d+)?$/.test(timeout)) throw new ServerError('ERR timeout is not a float or out of range');
  for (const key of args.slice(0, -1)) {
    const list = keys.read(key, 'list');
    const value = list?.shift();
    if (value === undefined) continue;
    if (list?.length === 0) keys.delete(key);
    return [key, value];
  }
  return null;
}

function replace(keys: Keyspace, [key = '', index = '', value = '']: readonly string[]): Reply {
  const list = keys.read(key, 'list');
  if (!list) throw new ServerError('ERR no such key');
  const place = requireInteger(index);
  const from = place < 0 ? list.length + place : place;
  if (from < 0 || from >= list.length) throw new ServerError('ERR index out of range');
  list[from] = value;
  return 'OK';
}

export const lists: Readonly<Record<string, Command>> = {
  RPUSH: { least: 2, run: push },
  BLPOP: { least: 2, run: pop },
  LLEN: { least: 1, most: 1, run: (keys, [key = '']) => keys.read(key, 'list')?.length ?? 0 },
  LRANGE: { least: 3, most: 3, run: range },
  LTRIM: { least: 3, most: 3, run: trim },
  LINDEX: { least: 2, most: 2, run: at },
  LSET: { least: 3, most: 3, run: replace },
};
