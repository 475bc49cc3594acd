/**
 * The commands on vector sets of Redis 8, as far as they are used here: vectors as bytes, and the nearest with their scores.
 *
 * Guarantees: what is asked for is found, which a real server's graph does not promise; scores are those of the vectors as they were
 * added, which a real server rounds to 8 bits. As Redis 8.0 does, a VADD of an element that is there says 0 and replaces it.
 */
import { requireInteger } from './arguments.js';
import type { Command } from './command.js';
import type { Keyspace } from './keyspace.js';
import { type Reply, ServerError } from './reply.js';

const BYTES = 4;

function readVector(format: string, text: string): Float32Array {
  if (format.toUpperCase() !== 'FP32') throw new ServerError(`ERR ${format} is not part of the model`);
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length === 0 || bytes.length % BYTES > 0)
    throw new ServerError('ERR invalid vector specification');
  return Float32Array.from({ length: bytes.length / BYTES }, (_, at) => bytes.readFloatLE(BYTES * at));
}

function requireFit(set: ReadonlyMap<string, Float32Array> | undefined, { length }: Float32Array): void {
  const [known] = set?.values() ?? [];
  if (known === undefined || known.length === length) return;
  throw new ServerError(`ERR Vector dimension mismatch - got ${length} but set has ${known.length}`);
}

function add(keys: Keyspace, [key = '', format = '', bytes = '', element = '']: readonly string[]): Reply {
  const vector = readVector(format, bytes);
  const known = keys.read(key, 'vectorset');
  requireFit(known, vector);
  const set = known ?? new Map<string, Float32Array>();
  const isNew = !set.has(element);
  set.set(element, vector);
  if (!known) keys.set(key, { type: 'vectorset', value: set });
  return Number(isNew);
}

function remove(keys: Keyspace, [key = '', element = '']: readonly string[]): Reply {
  const set = keys.read(key, 'vectorset');
  const wasThere = set?.delete(element) ?? false;
  if (set?.size === 0) keys.delete(key);
  return Number(wasThere);
}

function similar(keys: Keyspace, [key = '', format = '', bytes = '', ...options]: readonly string[]): Reply {
  const set = keys.read(key, 'vectorset');
  if (set === undefined) return [];
  const query = readVector(format, bytes);
  requireFit(set, query);
  const [scores, option, count = ''] = options.map((each) => each.toUpperCase());
  if (scores !== 'WITHSCORES' || option !== 'COUNT')
    throw new ServerError('ERR VSIM without WITHSCORES and COUNT is not part of the model');
  if (requireInteger(count) < 1) throw new ServerError('ERR invalid COUNT');
  const near = [...set].map(([element, vector]) => ({ element, score: (1 + cosine(query, vector)) / 2 }));
  near.sort((one, other) => other.score - one.score);
  return near.slice(0, Number(count)).flatMap(({ element, score }) => [element, String(score)]);
}

function cosine(one: Float32Array, other: Float32Array): number {
  const length = Math.hypot(...one) * Math.hypot(...other);
  const product = one.reduce((sum, number, at) => sum + number * (other[at] ?? 0), 0);
  return length === 0 ? 0 : product / length;
}

export const vectorSets: Readonly<Record<string, Command>> = {
  VADD: { least: 4, most: 4, run: add },
  VREM: { least: 2, most: 2, run: remove },
  VCARD: { least: 1, most: 1, run: (keys, [key = '']) => keys.read(key, 'vectorset')?.size ?? 0 },
  VSIM: { least: 3, run: similar },
};
