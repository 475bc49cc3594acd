/**
 * The commands that only read and write keys: those on strings, hashes and keys as such.
 */
import { requireInteger } from './arguments.js';
import { bits } from './bits.js';
import type { Command } from './command.js';
import { copyOf, type Keyspace } from './keyspace.js';
import { lists } from './lists.js';
import { type Reply, ServerError } from './reply.js';
import { sets } from './sets.js';
import { sortedSets } from './sorted-sets.js';
import { streams } from './streams.js';
import { vectorSets } from './vector-sets.js';

function set(keys: Keyspace, [key = '', value = '', ...options]: readonly string[]): Reply {
  let expires: number | undefined;
  const rest = options.map((option) => option.toUpperCase());
  const has = (option: string): boolean => rest.includes(option);
  for (let place = 0; place < rest.length; place += 1) {
    const option = rest[place] ?? '';
    if (option === 'PX' || option === 'EX') {
      place += 1;
      const ttl = rest[place];
      if (ttl === undefined || expires !== undefined || has('KEEPTTL'))
        throw new ServerError('ERR syntax error');
      expires = keys.now + requireTtl(ttl, 'set') * (option === 'EX' ? 1_000 : 1);
    } else if (!/^(?:NX|XX|KEEPTTL)$/.test(option)) throw new ServerError('ERR syntax error');
  }
  if (has('NX') && has('XX')) throw new ServerError('ERR syntax error');
  const isThere = keys.get(key) !== undefined;
  if ((has('NX') && isThere) || (has('XX') && !isThere)) return null;
  keys.set(key, { type: 'string', value }, has('KEEPTTL') ? keys.expiry(key) : expires);
  return 'OK';
}

function requireTtl(text: string, command: string): number {
  const ttl = requireInteger(text);
  if (ttl <= 0) throw new ServerError(`ERR invalid expire time in '${command}' command`);
  return ttl;
}

function remaining(keys: Keyspace, key: string): number {
  if (keys.get(key) === undefined) return -2;
  const expires = keys.expiry(key);
  return expires === undefined ? -1 : Math.max(0, expires - keys.now);
}

function expire(keys: Keyspace, [key = '', ttl = '']: readonly string[]): Reply {
  return expireAt(keys, [key, String(keys.now + requireInteger(ttl))]);
}

function expireAt(keys: Keyspace, [key = '', at = '']: readonly string[]): Reply {
  const time = requireInteger(at);
  if (keys.get(key) === undefined) return 0;
  if (time <= keys.now) keys.delete(key);
  else keys.expire(key, time);
  return 1;
}

function persist(keys: Keyspace, [key = '']: readonly string[]): Reply {
  const stored = keys.get(key);
  if (stored === undefined || keys.expiry(key) === undefined) return 0;
  keys.set(key, stored);
  return 1;
}

function copy(keys: Keyspace, [from = '', to = '', option]: readonly string[]): Reply {
  if (option !== undefined && option.toUpperCase() !== 'REPLACE') throw new ServerError('ERR syntax error');
  if (from === to) throw new ServerError('ERR source and destination objects are the same');
  const stored = keys.get(from);
  if (stored === undefined || (option === undefined && keys.get(to) !== undefined)) return 0;
  keys.set(to, copyOf(stored), keys.expiry(from));
  return 1;
}

function setFields(keys: Keyspace, [key = '', ...fields]: readonly string[]): Reply {
  if (fields.length % 2 === 1) throw new ServerError("ERR wrong number of arguments for 'hset' command");
  const known = keys.read(key, 'hash');
  const hash = known ?? new Map<string, string>();
  const before = hash.size;
  for (let place = 0; place < fields.length; place += 2) {
    hash.set(fields[place] ?? '', fields[place + 1] ?? '');
  }
  if (!known) keys.set(key, { type: 'hash', value: hash });
  return hash.size - before;
}

function setNewField(keys: Keyspace, [key = '', field = '', value = '']: readonly string[]): Reply {
  if (keys.read(key, 'hash')?.has(field)) return 0;
  setFields(keys, [key, field, value]);
  return 1;
}

/** All of it in one page: the model's hashes are small, as Redis keeps those in one piece. */
function scanFields(keys: Keyspace, [key = '', cursor = '', ...options]: readonly string[]): Reply {
  if (!/^\d+$/.test(cursor)) throw new ServerError('ERR invalid cursor');
  const hash = keys.read(key, 'hash');
  if (!hash) return ['0', []];
  const fits = wantedBy(options);
  return ['0', [...hash].filter(([field]) => fits(field)).flat()];
}

/** Of the patterns of Redis, those with "*" alone. */
function matching(pattern: string): (name: string) => boolean {
  if (/[?[\]\\]/.test(pattern)) throw new ServerError(`ERR the pattern ${pattern} is not part of the model`);
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+^${}()|]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('[^]*')}$`);
  return (name) => expression.test(name);
}

/** The options of a scan: which names it gives. */
function wantedBy(options: readonly string[]): (name: string) => boolean {
  let fits = (_: string): boolean => true;
  for (let place = 0; place < options.length; place += 2) {
    const [option = '', value] = options.slice(place);
    if (value === undefined || !/^(?:COUNT|MATCH)$/i.test(option)) throw new ServerError('ERR syntax error');
    if (option.toUpperCase() === 'COUNT') {
      if (requireInteger(value) < 1) throw new ServerError('ERR syntax error');
    } else fits = matching(value);
  }
  return fits;
}

/** All keys in one page. */
function scan(keys: Keyspace, [cursor = '', ...options]: readonly string[]): Reply {
  if (!/^\d+$/.test(cursor)) throw new ServerError('ERR invalid cursor');
  return ['0', keys.keys().filter(wantedBy(options))];
}

function deleteFields(keys: Keyspace, [key = '', ...fields]: readonly string[]): Reply {
  const hash = keys.read(key, 'hash');
  const deleted = fields.filter((field) => hash?.delete(field)).length;
  if (hash?.size === 0) keys.delete(key);
  return deleted;
}

function incrementField(keys: Keyspace, [key = '', field = '', by = '']: readonly string[]): Reply {
  const step = requireInteger(by);
  const before = keys.read(key, 'hash')?.get(field) ?? '0';
  if (!/^-?\d+$/.test(before)) throw new ServerError('ERR hash value is not an integer');
  const number = Number(before) + step;
  setFields(keys, [key, field, String(number)]);
  return number;
}

function text(keys: Keyspace, key: string): Reply {
  const stored = keys.get(key);
  return stored?.type === 'string' ? stored.value : null;
}

function setMany(keys: Keyspace, pairs: readonly string[]): Reply {
  if (pairs.length % 2 === 1) throw new ServerError("ERR wrong number of arguments for 'mset' command");
  for (let place = 0; place < pairs.length; place += 2)
    keys.set(pairs[place] ?? '', { type: 'string', value: pairs[place + 1] ?? '' });
  return 'OK';
}

function getRange(keys: Keyspace, [key = '', first = '', last = '']: readonly string[]): Reply {
  const [from, to] = [requireInteger(first), requireInteger(last)];
  const value = keys.read(key, 'string') ?? '';
  if (from < 0 && to < 0 && from > to) return '';
  const begin = Math.max(0, from < 0 ? value.length + from : from);
  const end = Math.max(0, to < 0 ? value.length + to : to);
  return value.slice(begin, end + 1);
}

function setRange(keys: Keyspace, [key = '', offset = '', part = '']: readonly string[]): Reply {
  const at = requireInteger(offset);
  if (at < 0) throw new ServerError('ERR offset is out of range');
  const value = keys.read(key, 'string') ?? '';
  if (part === '') return value.length;
  const written = value.padEnd(at, '\0').slice(0, at) + part + value.slice(at + part.length);
  keys.set(key, { type: 'string', value: written }, keys.expiry(key));
  return written.length;
}

function increment(keys: Keyspace, [key = '']: readonly string[]): Reply {
  const number = requireInteger(keys.read(key, 'string') ?? '0') + 1;
  keys.set(key, { type: 'string', value: String(number) }, keys.expiry(key));
  return number;
}

export const commands: Readonly<Record<string, Command>> = {
  ...bits,
  ...sets,
  ...sortedSets,
  ...streams,
  ...lists,
  ...vectorSets,
  GET: { least: 1, most: 1, run: (keys, [key = '']) => keys.read(key, 'string') ?? null },
  MGET: { least: 1, run: (keys, names) => names.map((name) => text(keys, name)) },
  SET: { least: 2, run: set },
  MSET: { least: 2, run: setMany },
  GETRANGE: { least: 3, most: 3, run: getRange },
  SETRANGE: { least: 3, most: 3, run: setRange },
  SCAN: { least: 1, run: scan },
  INCR: { least: 1, most: 1, run: increment },
  UNLINK: { least: 1, run: (keys, names) => names.filter((name) => keys.delete(name)).length },
  DEL: { least: 1, run: (keys, names) => names.filter((name) => keys.delete(name)).length },
  EXISTS: { least: 1, run: (keys, names) => names.filter((name) => keys.get(name)).length },
  PTTL: { least: 1, most: 1, run: (keys, [key = '']) => remaining(keys, key) },
  PERSIST: { least: 1, most: 1, run: persist },
  COPY: { least: 2, most: 3, run: copy },
  PEXPIRE: { least: 2, most: 2, run: expire },
  PEXPIREAT: { least: 2, most: 2, run: expireAt },
  HSET: { least: 3, run: setFields },
  HGET: {
    ...{ least: 2, most: 2 },
    run: (keys, [key = '', field = '']) => keys.read(key, 'hash')?.get(field) ?? null,
  },
  HMGET: {
    least: 2,
    run: (keys, [key = '', ...fields]) => {
      const hash = keys.read(key, 'hash');
      return fields.map((field) => hash?.get(field) ?? null);
    },
  },
  HSETNX: { least: 3, most: 3, run: setNewField },
  HGETALL: { least: 1, most: 1, run: (keys, [key = '']) => [...(keys.read(key, 'hash') ?? [])].flat() },
  HKEYS: { least: 1, most: 1, run: (keys, [key = '']) => [...(keys.read(key, 'hash')?.keys() ?? [])] },
  HSCAN: { least: 2, run: scanFields },
  HDEL: { least: 2, run: deleteFields },
  HLEN: { least: 1, most: 1, run: (keys, [key = '']) => keys.read(key, 'hash')?.size ?? 0 },
  HEXISTS: {
    ...{ least: 2, most: 2 },
    run: (keys, [key = '', field = '']) => Number(keys.read(key, 'hash')?.has(field) ?? false),
  },
  HSTRLEN: {
    ...{ least: 2, most: 2 },
    run: (keys, [key = '', field = '']) => (keys.read(key, 'hash')?.get(field) ?? '').length,
  },
  HINCRBY: { least: 3, most: 3, run: incrementField },
};
