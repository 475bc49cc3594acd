/**
 * Commands of every kind that the model has, by chance, with what is often wrong about them: types, numbers of arguments,
 * options that exclude each other, keys that are not there.
 */
import type { Dice } from '../plan/dice.js';

/** A command as a client sends it. */
export interface Sent {
  readonly name: string;
  readonly args: readonly string[];
}

const KEYS = ['{holdfast}:lock:a', '{holdfast}:fence:a', '{holdfast}:queue:a', 'raw:1', 'raw:2', 'raw:3'];
const TEXTS = ['', '0', '7', '-3', '1.5', 'text', '10 client-1/x.1', 'NX', '9007199254740993', 'a b'];
const NUMBERS = [
  '0',
  '1',
  '-1',
  '2',
  '5',
  '100',
  '1.5',
  'x',
  '',
  '99999999999999999999',
  '-inf',
  '+inf',
  '(2',
  'nan',
];

const STREAMS = ['stream:1', 'stream:1', 'stream:2', 'raw:1'];
const ENTRIES = ['1-1', '1-2', '2', '2-5', '3-0', '5-1', '9-9', '7-0'];
const LIMITS = ['1-1', '1-2', '2', '2-5', '3-0', '5-1', '5', '0-0', '0', '9-9', 'x', '-', '+', '(2-5', '(1'];
const CONSUMERS = ['ann', 'bob', '-'];

type Maker = (dice: Dice) => readonly string[];

const key: Maker = (dice) => [dice.one(KEYS)];
const text: Maker = (dice) => [dice.one(TEXTS)];
const number: Maker = (dice) => [dice.one(NUMBERS)];
const some =
  (make: Maker, most: number): Maker =>
  (dice) =>
    Array.from({ length: dice.whole(0, most) }, () => make(dice)).flat();
const maybe =
  (...words: readonly string[]): Maker =>
  (dice) =>
    words.filter(() => dice.chance(0.3));
const ttl: Maker = (dice) => [dice.one(['1', '2', '3', '50', '1000', '0', '-5', 'x'])];

const name: Maker = (dice) => [dice.one(['-', '+', '[', '[1', '(a', '[text', '(text', '(zz', 'x', '-a'])];

const stream: Maker = (dice) => [dice.one(STREAMS)];
const entry: Maker = (dice) => [dice.one(ENTRIES)];
const limit: Maker = (dice) => [dice.one(LIMITS)];
const consumer: Maker = (dice) => [dice.one(CONSUMERS)];
const group: Maker = (dice) => [dice.one(['workers', 'workers', 'workers', 'others'])];
const count: Maker = (dice) => (dice.chance(0.5) ? ['COUNT', dice.one(['1', '2', '10'])] : []);

const FORMS: readonly (readonly [string, ...Maker[]])[] = [
  ['GET', key],
  ['SET', key, text],
  ['SET', key, text, () => ['PX'], ttl],
  ['SET', key, text, maybe('NX', 'XX', 'KEEPTTL')],
  ['SET', key, text, () => ['EX'], ttl, maybe('NX')],
  ['MGET', key, some(key, 3)],
  ['MSET', key, text, some(key, 1)],
  ['MSET', key, text, key, text],
  ['GETRANGE', key, number, number],
  ['SETRANGE', key, (dice) => [dice.one(['0', '1', '7', '-1', 'x'])], text],
  ['INCR', key],
  ['DEL', key, some(key, 2)],
  ['EXISTS', key, some(key, 3)],
  ['PTTL', key],
  ['PEXPIRE', key, ttl],
  ['PEXPIREAT', key, (dice) => [dice.one(['1', '0', '-5', 'x', '9999999999999'])]],
  ['HSET', key, text, text, some(text, 3)],
  ['HGET', key, text],
  ['HSTRLEN', key, text],
  ['HMGET', key, text, some(text, 3)],
  ['HDEL', key, text, some(text, 2)],
  ['ZADD', key, maybe('NX', 'GT', 'CH'), number, text],
  ['ZADD', key, maybe('XX', 'LT'), number, text, some(number, 1)],
  ['ZREM', key, text, some(text, 2)],
  ['ZCARD', key],
  ['ZSCORE', key, text],
  ['ZRANGE', key, number, number, maybe('WITHSCORES')],
  ['ZRANGE', key, number, number, () => ['BYSCORE'], maybe('WITHSCORES')],
  ['ZPOPMIN', key],
  ['ZREMRANGEBYSCORE', key, number, number],
  ['ZCOUNT', key, number, number],
  ['ZRANGEBYSCORE', key, number, number, maybe('WITHSCORES')],
  ['ZRANGEBYSCORE', key, () => ['-inf', '5', 'LIMIT'], (dice) => [dice.one(['0', '1', '-1'])], () => ['2']],
  [
    'ZRANGEBYLEX',
    key,
    (dice) => [dice.one(['[a', '(text', '[', 'x', '[1'])],
    () => ['[zz', 'LIMIT', '0', '2'],
  ],
  ['ZRANGEBYLEX', key, name, name],
  ['ZLEXCOUNT', key, name, name],
  ['PERSIST', key],
  ['COPY', key, key, maybe('REPLACE')],
  ['RPUSH', key, text, some(text, 3)],
  ['RPUSH', key, text],
  ['LLEN', key],
  ['LRANGE', key, number, number],
  ['LTRIM', key, number, number],
  ['LINDEX', key, number],
  ['LSET', key, number, text],
  ['STRLEN', key],
  // In the lower half of a byte, so that what is written stays text.
  [
    'SETBIT',
    key,
    (dice) => [dice.one(['1', '7', '12', '30', '-1', 'x'])],
    (dice) => [dice.one(['0', '1', '2'])],
  ],
  ['GETBIT', key, number],
  ['BITFIELD_RO', key, () => ['GET', 'u1'], (dice) => [dice.one(['0', '7', '100', '-1'])]],
  ['SADD', key, text, some(text, 3)],
  ['SREM', key, text, some(text, 2)],
  ['SCARD', key],
  ['SMISMEMBER', key, text, some(text, 3)],
  ['HSETNX', key, text, text],
  ['HGETALL', key],
  ['HKEYS', key],
  ['HSCAN', key, () => ['0']],
  ['HSCAN', key, (dice) => ['0', 'MATCH', dice.one(['*', 't*', '1*', 'zz*']), 'COUNT', '100']],
  ['HSCAN', key, (dice) => ['0', 'COUNT', dice.one(['0', 'x', '5'])]],
  ['XTRIM', key, () => ['MINID', '~', '0-1']],
  ['UNLINK', key, some(key, 2)],
  ['HLEN', key],
  ['HEXISTS', key, text],
  ['HINCRBY', key, text, number],
  ['PUBLISH', text, text],
  ['PUBSUB', () => ['NUMSUB'], text],
  ['SCRIPT', () => ['FLUSH']],
  ['EVALSHA', () => ['0'.repeat(40), '0']],
  ['FCALL', () => ['no_such', '0']],
  ['EVAL', () => ['return 1', 'x']],
  ['EVAL', () => ['return 1', '3', 'k']],
  ['EVAL', () => ["return redis.call('INCR', KEYS[1])", '1'], key],
  ['EVAL', () => ["return redis.pcall('ZADD', KEYS[1], ARGV[1], 'm')", '1'], key, number],
  ['EVAL', () => ["return {redis.call('GET', KEYS[1]), 1, false, 'after'}", '1'], key],
  ['EVAL', () => ["redis.call('SET', KEYS[1], 1); return redis.call('HSET', KEYS[1], 'f', 1)", '1'], key],
  ['DEBUG', () => ['SLEEP', '0.003']],
  ['FLUSHALL'],
];

/** The commands on streams, which need each other to mean something. */
const STREAM_FORMS: readonly (readonly [string, ...Maker[]])[] = [
  ['XADD', stream, entry, text, text],
  ['XADD', stream, limit, text, text],
  ['XADD', stream, () => ['MAXLEN', '2'], entry, text, text],
  ['XADD', stream, entry, text],
  ['XLEN', stream],
  ['XTRIM', stream, () => ['MINID', '~', '1-1']],
  ['XTRIM', stream, () => ['MINID'], entry],
  ['XTRIM', stream, () => ['MINID', '='], limit],
  ['XDEL', stream, entry, some(entry, 2)],
  ['XRANGE', stream, limit, limit, count],
  ['XREVRANGE', stream, limit, limit, count],
  ['XREAD', count, () => ['STREAMS'], stream, entry],
  ['XGROUP', () => ['CREATE'], stream, group, () => ['0']],
  ['XGROUP', () => ['CREATE'], stream, group, () => ['0', 'MKSTREAM']],
  ['XGROUP', () => ['DELCONSUMER'], stream, group, consumer],
  ['XREADGROUP', () => ['GROUP'], group, consumer, count, () => ['STREAMS'], stream, () => ['>']],
  ['XREADGROUP', () => ['GROUP'], group, consumer, count, () => ['STREAMS'], stream, () => ['>']],
  ['XREADGROUP', () => ['GROUP'], group, consumer, count, () => ['STREAMS'], stream, entry],
  ['XACK', stream, group, entry, some(entry, 2)],
  ['XCLAIM', stream, group, consumer, () => ['0'], entry, some(entry, 1), maybe('JUSTID')],
  ['XCLAIM', stream, group, consumer, () => ['0'], entry, () => ['RETRYCOUNT', '3', 'JUSTID']],
  ['XPENDING', stream, group],
  ['XPENDING', stream, group, limit, limit, () => ['10']],
  ['XPENDING', stream, group, () => ['-', '+', '10'], consumer],
];

/** A sequence of commands on streams. */
export function drawStreams(dice: Dice): Sent[] {
  return Array.from({ length: dice.whole(10, 60) }, () => draw(dice, STREAM_FORMS));
}

/** One of the others; a number of arguments is wrong now and then. */
export function drawRaw(dice: Dice): Sent {
  return draw(dice, FORMS);
}

function draw(dice: Dice, forms: typeof FORMS): Sent {
  const [name, ...makers] = dice.one(forms);
  const args = makers.flatMap((make) => make(dice));
  // What is wrong first is not the same for commands with many parts.
  const mayLack = !/^(?:DEBUG|X.*|ZRANGEBY.*)$/.test(name);
  return { name, args: dice.chance(0.03) && mayLack ? args.slice(1) : args };
}
