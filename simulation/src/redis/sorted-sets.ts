/** The commands on sorted sets. */
import { printScore, requireInteger, requireScore } from './arguments.js';
import type { Command } from './command.js';
import type { Keyspace } from './keyspace.js';
import { type Reply, ServerError } from './reply.js';

type Member = readonly [member: string, score: number];

/** By score, then by name. */
function sorted(keys: Keyspace, key: string): Member[] {
  const set = keys.read(key, 'zset') ?? new Map<string, number>();
  return [...set].sort(([a, low], [b, high]) => low - high || (a < b ? -1 : 1));
}

const NO_FLOAT = 'ERR value is not a valid float';

function add(keys: Keyspace, [key = '', ...rest]: readonly string[]): Reply {
  const options = new Set<string>();
  while (/^(?:nx|xx|gt|lt|ch)$/i.test(rest[0] ?? '')) options.add((rest.shift() ?? '').toUpperCase());
  if (rest.length === 0 || rest.length % 2 === 1) throw new ServerError('ERR syntax error');
  if (options.has('NX') && (options.has('XX') || options.has('GT') || options.has('LT'))) {
    throw new ServerError(
      options.has('XX')
        ? 'ERR XX and NX options at the same time are not compatible'
        : 'ERR GT, LT, and/or NX options at the same time are not compatible',
    );
  }
  const scores = rest.filter((_, place) => place % 2 === 0).map((text) => requireScore(text, NO_FLOAT));
  const known = keys.read(key, 'zset');
  const set = known ?? new Map<string, number>();
  let added = 0;
  let changed = 0;
  scores.forEach((score, place) => {
    const member = rest[2 * place + 1] ?? '';
    const before = set.get(member);
    if (before === undefined ? options.has('XX') : options.has('NX')) return;
    if (before !== undefined && options.has('GT') && score <= before) return;
    if (before !== undefined && options.has('LT') && score >= before) return;
    if (before === undefined) added += 1;
    else if (before !== score) changed += 1;
    set.set(member, score);
  });
  if (!known && set.size > 0) keys.set(key, { type: 'zset', value: set });
  return options.has('CH') ? added + changed : added;
}

function remove(keys: Keyspace, key: string, members: readonly string[]): number {
  const set = keys.read(key, 'zset');
  const removed = members.filter((member) => set?.delete(member)).length;
  if (set?.size === 0) keys.delete(key);
  return removed;
}

/** Whether a score is within the limits of a range by score, such as `-inf`, `5` or `(5`. Redis takes nothing for 0. */
function within(from: string, to: string): (score: number) => boolean {
  const limit = (text: string): number =>
    requireScore(text.replace(/^\(/, '') || '0', 'ERR min or max is not a float');
  const [low, high] = [limit(from), limit(to)];
  return (score) =>
    (from.startsWith('(') ? score > low : score >= low) &&
    (to.startsWith('(') ? score < high : score <= high);
}

function range(keys: Keyspace, [key = '', from = '', to = '', ...rest]: readonly string[]): Reply {
  const options = rest.map((option) => option.toUpperCase());
  const strange = options.find((option) => option !== 'WITHSCORES' && option !== 'BYSCORE');
  if (strange !== undefined) throw new ServerError('ERR syntax error');
  const choose = options.includes('BYSCORE') ? byScore(within(from, to)) : byPlace(from, to);
  const chosen = choose(sorted(keys, key));
  return options.includes('WITHSCORES')
    ? chosen.flatMap(([member, score]) => [member, printScore(score)])
    : chosen.map(([member]) => member);
}

type Choice = (members: readonly Member[]) => readonly Member[];

const byScore =
  (fits: (score: number) => boolean): Choice =>
  (members) =>
    members.filter(([, score]) => fits(score));

function byPlace(first: string, last: string): Choice {
  const [from, to] = [requireInteger(first), requireInteger(last)];
  return (members) => {
    const begin = Math.max(0, from < 0 ? members.length + from : from);
    const end = to < 0 ? members.length + to : to;
    return members.slice(begin, Math.max(begin, end + 1));
  };
}

/** What LIMIT says, if it is there. */
function limited(members: readonly Member[], options: readonly string[]): readonly Member[] {
  const place = options.findIndex((option) => option.toUpperCase() === 'LIMIT');
  if (place < 0) return members;
  const [from, count] = [requireInteger(options[place + 1] ?? ''), requireInteger(options[place + 2] ?? '')];
  return from < 0 ? [] : members.slice(from, count < 0 ? undefined : from + count);
}

function rangeByScore(keys: Keyspace, [key = '', from = '', to = '', ...options]: readonly string[]): Reply {
  const chosen = limited(byScore(within(from, to))(sorted(keys, key)), options);
  return options.some((option) => option.toUpperCase() === 'WITHSCORES')
    ? chosen.flatMap(([member, score]) => [member, printScore(score)])
    : chosen.map(([member]) => member);
}

/** Whether a name is within the limits of a range by name, such as `-`, `[a`, `(a` or `+`. */
function named(from: string, to: string): (member: Member) => boolean {
  if (!/^(?:[[(]|[-+]$)/.test(from) || !/^(?:[[(]|[-+]$)/.test(to))
    throw new ServerError('ERR min or max not valid string range item');
  const isAbove = (member: string): boolean =>
    from.startsWith('[') ? member >= from.slice(1) : member > from.slice(1);
  const isBelow = (member: string): boolean =>
    to.startsWith('[') ? member <= to.slice(1) : member < to.slice(1);
  return ([member]) =>
    (from === '-' || (from !== '+' && isAbove(member))) && (to === '+' || (to !== '-' && isBelow(member)));
}

function rangeByName(keys: Keyspace, [key = '', from = '', to = '', ...options]: readonly string[]): Reply {
  const fits = named(from, to);
  return limited(sorted(keys, key).filter(fits), options).map(([member]) => member);
}

function popLowest(keys: Keyspace, [key = '']: readonly string[]): Reply {
  const [lowest] = sorted(keys, key);
  if (lowest === undefined) return [];
  const [member, score] = lowest;
  remove(keys, key, [member]);
  return [member, printScore(score)];
}

export const sortedSets: Readonly<Record<string, Command>> = {
  ZADD: { least: 3, run: add },
  ZREM: { least: 2, run: (keys, [key = '', ...members]) => remove(keys, key, members) },
  ZCARD: { least: 1, most: 1, run: (keys, [key = '']) => keys.read(key, 'zset')?.size ?? 0 },
  ZSCORE: {
    ...{ least: 2, most: 2 },
    run: (keys, [key = '', member = '']) => {
      const score = keys.read(key, 'zset')?.get(member);
      return score === undefined ? null : printScore(score);
    },
  },
  ZRANGEBYSCORE: { least: 3, run: rangeByScore },
  ZCOUNT: {
    ...{ least: 3, most: 3 },
    run: (keys, [key = '', from = '', to = '']) => byScore(within(from, to))(sorted(keys, key)).length,
  },
  ZRANGEBYLEX: { least: 3, run: rangeByName },
  ZLEXCOUNT: {
    ...{ least: 3, most: 3 },
    run: (keys, [key = '', from = '', to = '']) => {
      const fits = named(from, to);
      return sorted(keys, key).filter(fits).length;
    },
  },
  ZRANGE: { least: 3, run: range },
  ZPOPMIN: { least: 1, most: 1, run: popLowest },
  ZREMRANGEBYSCORE: {
    ...{ least: 3, most: 3 },
    run: (keys, [key = '', from = '', to = '']) => {
      const gone = byScore(within(from, to))(sorted(keys, key));
      return remove(
        keys,
        key,
        gone.map(([member]) => member),
      );
    },
  },
};
