/**
 * Commands of every kind that the model has, by chance, with what is often wrong about them: types, numbers of arguments,
 * options that exclude each other, keys that are not there.
 */
import type { Dice } from '../plan/dice.js';
import type { Sent } from './record.js';

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

const FORMS: readonly (readonly [string, ...Maker[]])[] = [
  ['GET', key],
  ['SET', key, text],
  ['SET', key, text, () => ['PX'], ttl],
  ['SET', key, text, maybe('NX', 'XX', 'KEEPTTL')],
  ['SET', key, text, () => ['EX'], ttl, maybe('NX')],
  ['MGET', key, some(key, 3)],
  ['INCR', key],
  ['DEL', key, some(key, 2)],
  ['EXISTS', key, some(key, 3)],
  ['PTTL', key],
  ['PEXPIRE', key, ttl],
  ['HSET', key, text, text, some(text, 3)],
  ['HGET', key, text],
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

/** One of them; a number of arguments is wrong now and then. */
export function drawRaw(dice: Dice): Sent {
  const [name, ...makers] = dice.one(FORMS);
  const args = makers.flatMap((make) => make(dice));
  return { name, args: dice.chance(0.03) && name !== 'DEBUG' ? args.slice(1) : args };
}
