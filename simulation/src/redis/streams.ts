/** The commands on streams and their consumer groups. */
import { requireInteger } from './arguments.js';
import type { Command } from './command.js';
import type { Keyspace } from './keyspace.js';
import { type Reply, ServerError } from './reply.js';
import type { Group, Id, Stream } from './stream.js';

const NOTHING: Id = [0, 0];
const BAD_ID = 'ERR Invalid stream ID specified as stream command argument';

const print = ([ms, sequence]: Id): string => `${ms}-${sequence}`;

const isBelow = (one: Id, other: Id): boolean =>
  one[0] < other[0] || (one[0] === other[0] && one[1] < other[1]);

/** An id; one without a sequence has `sequence`. */
function parse(text: string, sequence: number): Id {
  const [, ms, given] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (ms === undefined) throw new ServerError(BAD_ID);
  return [Number(ms), given === undefined ? sequence : Number(given)];
}

function limit(text: string, sequence: number): Id {
  if (text === '-') return NOTHING;
  return text === '+' ? [Number.MAX_VALUE, 0] : parse(text.replace(/^\(/, ''), sequence);
}

/** Whether an id is within limits such as `-`, `5`, `(5-1` or `+`. */
function within(from: string, to: string): (id: Id) => boolean {
  const [low, high] = [limit(from, 0), limit(to, Number.MAX_SAFE_INTEGER)];
  const [isOpen, isOpenAbove] = [from.startsWith('('), to.startsWith('(')];
  return (id) =>
    (isOpen ? isBelow(low, id) : !isBelow(id, low)) && (isOpenAbove ? isBelow(id, high) : !isBelow(high, id));
}

const known = new Map<string, Id>();

/** Of an entry that is there. */
function idOf(text: string): Id {
  const before = known.get(text);
  if (before) return before;
  if (known.size > 100_000) known.clear();
  const id = parse(text, 0);
  known.set(text, id);
  return id;
}

function add(keys: Keyspace, [key = '', ...rest]: readonly string[]): Reply {
  let most = Number.POSITIVE_INFINITY;
  if (rest[0]?.toUpperCase() === 'MAXLEN') {
    rest.shift();
    if (rest[0] === '=' || rest[0] === '~') rest.shift();
    most = requireInteger(rest.shift() ?? '');
  }
  const [wanted = '', ...fields] = rest;
  if (fields.length === 0 || fields.length % 2 === 1)
    throw new ServerError("ERR wrong number of arguments for 'xadd' command");
  const stored = keys.read(key, 'stream');
  const stream = stored ?? emptyStream();
  const id = wanted === '*' ? following(stream.last, keys.now) : parse(wanted, 0);
  if (!isBelow(stream.last, id)) {
    throw new ServerError(
      isBelow(NOTHING, id)
        ? 'ERR The ID specified in XADD is equal or smaller than the target stream top item'
        : 'ERR The ID specified in XADD must be greater than 0-0',
    );
  }
  stream.last = id;
  stream.added += 1;
  stream.entries.set(print(id), fields);
  for (const oldest of stream.entries.keys()) {
    if (stream.entries.size <= most) break;
    stream.entries.delete(oldest);
  }
  if (!stored) keys.set(key, { type: 'stream', value: stream });
  return print(id);
}

const following = ([ms, sequence]: Id, now: number): Id => (now > ms ? [now, 0] : [ms, sequence + 1]);

const emptyStream = (): Stream => ({ last: NOTHING, added: 0, entries: new Map(), groups: new Map() });

function range(keys: Keyspace, args: readonly string[], isReversed: boolean): Reply {
  const [key = '', one = '', two = '', option, count] = args;
  if (option !== undefined && option.toUpperCase() !== 'COUNT') throw new ServerError('ERR syntax error');
  const fits = isReversed ? within(two, one) : within(one, two);
  const entries = [...(keys.read(key, 'stream')?.entries ?? [])].filter(([id]) => fits(idOf(id)));
  if (isReversed) entries.reverse();
  return entries.slice(0, count === undefined ? undefined : requireInteger(count));
}

function remove(keys: Keyspace, [key = '', ...ids]: readonly string[]): Reply {
  const entries = keys.read(key, 'stream')?.entries;
  return ids.filter((id) => entries?.delete(print(parse(id, 0)))).length;
}

/** What an approximate trim leaves depends on how Redis packs its entries: one that has something to remove is refused. */
function trim(keys: Keyspace, [key = '', what = '', ...options]: readonly string[]): Reply {
  const [how, ...rest] = /^[=~]$/.test(options[0] ?? '') ? options : ['=', ...options];
  const [threshold = '', ...limits] = rest;
  if (what.toUpperCase() !== 'MINID' || limits.length > 0)
    throw new ServerError(`ERR XTRIM ${[what, ...options].join(' ')} is not part of the model`);
  const least = parse(threshold, 0);
  const entries = keys.read(key, 'stream')?.entries;
  const older = [...(entries?.keys() ?? [])].filter((id) => isBelow(idOf(id), least));
  if (how === '~' && older.length > 0)
    throw new ServerError('ERR XTRIM of old entries is not part of the model');
  for (const id of older) entries?.delete(id);
  return older.length;
}

/** COUNT, BLOCK and what follows STREAMS: names, then as many ids. */
function parseRead(args: readonly string[]): { count: number; streams: (readonly [string, string])[] } {
  let count = Number.POSITIVE_INFINITY;
  let place = 0;
  for (; args[place] !== undefined && args[place]?.toUpperCase() !== 'STREAMS'; place += 2) {
    const option = args[place]?.toUpperCase();
    const value = requireInteger(args[place + 1] ?? '');
    if (option === 'COUNT') count = value || Number.POSITIVE_INFINITY;
    else if (option !== 'BLOCK') throw new ServerError('ERR syntax error');
  }
  const rest = args.slice(place + 1);
  if (args[place] === undefined || rest.length === 0) throw new ServerError('ERR syntax error');
  if (rest.length % 2 === 1) {
    throw new ServerError(
      "ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.",
    );
  }
  const half = rest.length / 2;
  return {
    count,
    streams: rest.slice(0, half).map((name, index) => [name, rest[half + index] ?? ''] as const),
  };
}

function read(keys: Keyspace, args: readonly string[]): Reply {
  const { count, streams } = parseRead(args);
  const found = streams.flatMap(([name, from]) => {
    const after = parse(from, 0);
    const stream = keys.read(name, 'stream');
    if (!stream || !isBelow(after, stream.last)) return [];
    const entries = [...stream.entries].filter(([id]) => isBelow(after, idOf(id))).slice(0, count);
    return entries.length === 0 ? [] : [[name, entries] as const];
  });
  return found.length === 0 ? null : found;
}

function groupOf(keys: Keyspace, key: string, name: string, where = ''): { stream: Stream; group: Group } {
  const stream = keys.read(key, 'stream');
  const group = stream?.groups.get(name);
  if (stream && group) return { stream, group };
  throw new ServerError(`NOGROUP No such key '${key}' or consumer group '${name}'${where}`);
}

function readGroup(keys: Keyspace, [, name = '', consumer = '', ...rest]: readonly string[]): Reply {
  const { count, streams } = parseRead(rest);
  const replies = streams.flatMap(([key, from]) => {
    const { stream, group } = groupOf(keys, key, name, ' in XREADGROUP with GROUP option');
    group.consumers.add(consumer);
    if (from !== '>') return [[key, readAgain(keys, stream, { group, consumer, from, count })] as const];
    const entries = readNew(keys, stream, { group, consumer, count });
    return entries.length === 0 ? [] : [[key, entries] as const];
  });
  return replies.length === 0 ? null : replies;
}

type Reading = { group: Group; consumer: string; count: number };

function readNew(keys: Keyspace, stream: Stream, { group, consumer, count }: Reading): Reply[] {
  const entries: Reply[] = [];
  for (const [text, fields] of stream.entries) {
    if (entries.length >= count) break;
    const id = idOf(text);
    if (!isBelow(group.last, id)) continue;
    group.last = id;
    group.read += 1;
    group.pending.set(text, { consumer, at: keys.now, times: 1 });
    entries.push([text, fields]);
  }
  return entries;
}

function readAgain(
  keys: Keyspace,
  stream: Stream,
  { group, consumer, from, count }: Reading & { from: string },
): Reply[] {
  const entries: Reply[] = [];
  const after = parse(from, 0);
  for (const [text, delivered] of group.pending) {
    if (entries.length >= count) break;
    if (delivered.consumer !== consumer || !isBelow(after, idOf(text))) continue;
    const fields = stream.entries.get(text);
    entries.push([text, fields ?? null]);
    if (fields === undefined) continue;
    delivered.at = keys.now;
    delivered.times += 1;
  }
  return entries;
}

function acknowledge(keys: Keyspace, [key = '', name = '', ...ids]: readonly string[]): Reply {
  const pending = keys.read(key, 'stream')?.groups.get(name)?.pending;
  return ids.filter((id) => pending?.delete(print(parse(id, 0)))).length;
}

function claim(
  keys: Keyspace,
  [key = '', name = '', consumer = '', idle = '', ...rest]: readonly string[],
): Reply {
  const { stream, group } = groupOf(keys, key, name);
  const least = requireInteger(idle);
  const options = rest.findIndex((word) => /^[A-Za-z]/.test(word));
  const ids = (options < 0 ? rest : rest.slice(0, options)).map((id) => print(parse(id, 0)));
  let times: number | undefined;
  let justId = false;
  for (let place = options < 0 ? rest.length : options; place < rest.length; place += 1) {
    const option = rest[place]?.toUpperCase();
    if (option === 'JUSTID') justId = true;
    else if (option === 'RETRYCOUNT') {
      place += 1;
      times = requireInteger(rest[place] ?? '');
    } else throw new ServerError(`ERR Unrecognized XCLAIM option '${rest[place]}'`);
  }
  group.consumers.add(consumer);
  return ids.flatMap((id): Reply[] => {
    const delivered = group.pending.get(id);
    if (delivered === undefined) return [];
    const fields = stream.entries.get(id);
    if (fields === undefined) {
      group.pending.delete(id);
      return [];
    }
    if (least > 0 && keys.now - delivered.at < least) return [];
    delivered.consumer = consumer;
    delivered.at = keys.now;
    delivered.times = times ?? delivered.times + (justId ? 0 : 1);
    return justId ? [id] : [[id, fields]];
  });
}

function pending(keys: Keyspace, [key = '', name = '', ...rest]: readonly string[]): Reply {
  const [from = '-', to = '+', count = '', consumer] = rest;
  const fits = within(from, to);
  const { group } = groupOf(keys, key, name);
  const all = [...group.pending];
  if (rest.length === 0) {
    if (all.length === 0) return [0, null, null, null];
    const counts = [...group.consumers].sort().flatMap((consumer) => {
      const count = all.filter(([, delivered]) => delivered.consumer === consumer).length;
      return count === 0 ? [] : [[consumer, String(count)]];
    });
    return [all.length, all[0]?.[0] ?? null, all.at(-1)?.[0] ?? null, counts];
  }
  return all
    .filter(([id, one]) => (consumer === undefined || one.consumer === consumer) && fits(idOf(id)))
    .slice(0, Math.max(0, requireInteger(count)))
    .map(([id, one]) => [id, one.consumer, Math.max(0, keys.now - one.at), one.times]);
}

function manageGroups(
  keys: Keyspace,
  [what = '', key = '', name = '', third = '', fourth]: readonly string[],
): Reply {
  if (what.toUpperCase() === 'DELCONSUMER') {
    const stream = keys.read(key, 'stream');
    if (!stream) {
      throw new ServerError(
        'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.',
      );
    }
    const group = stream.groups.get(name);
    if (!group) throw new ServerError(`NOGROUP No such consumer group '${name}' for key name '${key}'`);
    const left = [...group.pending].filter(([, { consumer }]) => consumer === third);
    for (const [id] of left) group.pending.delete(id);
    group.consumers.delete(third);
    return left.length;
  }
  if (what.toUpperCase() !== 'CREATE') throw new ServerError(`ERR XGROUP ${what} is not part of the model`);
  let stream = keys.read(key, 'stream');
  if (!stream && fourth?.toUpperCase() !== 'MKSTREAM') {
    throw new ServerError(
      'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.',
    );
  }
  if (!stream) {
    stream = emptyStream();
    keys.set(key, { type: 'stream', value: stream });
  }
  if (stream.groups.has(name)) throw new ServerError('BUSYGROUP Consumer Group name already exists');
  const last = third === '$' ? stream.last : parse(third, 0);
  stream.groups.set(name, { last, read: 0, consumers: new Set(), pending: new Map() });
  return 'OK';
}

/** As far as scripts look: a stream's last id, and the last that each of its groups was delivered. */
function inform(keys: Keyspace, [what = '', key = '']: readonly string[]): Reply {
  const stream = keys.read(key, 'stream');
  if (!stream) throw new ServerError('ERR no such key');
  if (what.toUpperCase() === 'STREAM') {
    const { entries, last } = stream;
    return [
      'length',
      entries.size,
      'radix-tree-keys',
      1,
      'radix-tree-nodes',
      2,
      'last-generated-id',
      print(last),
    ];
  }
  if (what.toUpperCase() !== 'GROUPS') throw new ServerError(`ERR XINFO ${what} is not part of the model`);
  return [...stream.groups].map(([name, { last, consumers, pending: delivered }]) => {
    const counts = ['name', name, 'consumers', consumers.size, 'pending', delivered.size];
    return [...counts, 'last-delivered-id', print(last)];
  });
}

export const streams: Readonly<Record<string, Command>> = {
  XADD: { least: 4, run: add },
  XLEN: { least: 1, most: 1, run: (keys, [key = '']) => keys.read(key, 'stream')?.entries.size ?? 0 },
  XDEL: { least: 2, run: remove },
  XTRIM: { least: 3, run: trim },
  XRANGE: { least: 3, run: (keys, args) => range(keys, args, false) },
  XREVRANGE: { least: 3, run: (keys, args) => range(keys, args, true) },
  XREAD: { least: 3, run: read },
  XREADGROUP: { least: 6, run: readGroup },
  XACK: { least: 3, run: acknowledge },
  XCLAIM: { least: 5, run: claim },
  XPENDING: { least: 2, run: pending },
  XGROUP: { least: 1, run: manageGroups },
  XINFO: { least: 1, run: inform },
};
