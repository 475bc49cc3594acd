/** The commands on the bits of strings, which have one character a byte. */
import type { Command } from './command.js';
import type { Keyspace } from './keyspace.js';
import { type Reply, ServerError } from './reply.js';

const MOST = 2 ** 32;

function requireOffset(text: string): number {
  const offset = /^(?:0|[1-9]\d*)$/.test(text) ? Number(text) : Number.NaN;
  if (offset < MOST) return offset;
  throw new ServerError('ERR bit offset is not an integer or out of range');
}

const maskOf = (offset: number): number => 0x80 >> (offset & 7);

function bitAt(value: string, offset: number): 0 | 1 {
  const byte = value.charCodeAt(offset >> 3);
  return (byte & maskOf(offset)) === 0 ? 0 : 1;
}

function setBit(keys: Keyspace, [key = '', where = '', bit = '']: readonly string[]): Reply {
  const offset = requireOffset(where);
  if (bit !== '0' && bit !== '1') throw new ServerError('ERR bit is not an integer or out of range');
  const before = keys.read(key, 'string') ?? '';
  const at = offset >> 3;
  const value = before.padEnd(at + 1, '\0');
  const byte = value.charCodeAt(at);
  const changed = bit === '1' ? byte | maskOf(offset) : byte & ~maskOf(offset);
  const written = value.slice(0, at) + String.fromCharCode(changed) + value.slice(at + 1);
  keys.set(key, { type: 'string', value: written }, keys.expiry(key));
  return bitAt(before, offset);
}

/** Single bits, each as `GET u1 <offset>`. */
function readBits(keys: Keyspace, [key = '', ...parts]: readonly string[]): Reply {
  const offsets: number[] = [];
  for (let place = 0; place < parts.length; place += 3) {
    const [word = '', type = '', offset] = parts.slice(place);
    const isKnown = ['GET', 'SET', 'INCRBY', 'OVERFLOW'].includes(word.toUpperCase());
    if (!isKnown || (word.toUpperCase() === 'GET' && offset === undefined))
      throw new ServerError('ERR syntax error');
    if (word.toUpperCase() !== 'GET' || type !== 'u1' || offset === undefined)
      throw new ServerError(`ERR BITFIELD_RO ${word} ${type} is not part of the model`);
    offsets.push(requireOffset(offset));
  }
  const value = keys.read(key, 'string') ?? '';
  return offsets.map((offset) => bitAt(value, offset));
}

export const bits: Readonly<Record<string, Command>> = {
  STRLEN: { least: 1, most: 1, run: (keys, [key = '']) => (keys.read(key, 'string') ?? '').length },
  SETBIT: { least: 3, most: 3, run: setBit },
  GETBIT: {
    ...{ least: 2, most: 2 },
    run: (keys, [key = '', where = '']) => {
      const offset = requireOffset(where);
      return bitAt(keys.read(key, 'string') ?? '', offset);
    },
  },
  BITFIELD_RO: { least: 1, run: readBits },
};
