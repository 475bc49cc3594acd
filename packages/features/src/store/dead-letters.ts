/**
 * Dead letters: records of sources that could not be read or stored, with the reason. They lie in the partition of the store
 * that their source partition falls to, in a stream for each view.
 *
 * Guarantees: a dead letter is kept before its record counts as taken in, and once, whatever is repeated. Only the latest are
 * kept, as many as the lane says.
 */
import { messageOf, optional, type Readers, whole, withDefault } from '@holdfast/kernel';
import type { BinaryReply, CallCommand } from '@holdfast/redis';
import { RowError } from '../errors.js';
import { readName } from '../options.js';
import { type Offset, printOffset, readOffset, type SourceRecord } from '../source/source.js';
import type { Partition } from './partition.js';
import type { Letter } from './verbs.js';

export interface DeadLettersOptions {
  /** How many at most, 1 to 10000. Default 100. */
  readonly most?: number;
  /** Only those of the lane of this name. */
  readonly lane?: string;
}

export const DEAD_LETTERS = {
  most: withDefault(whole(1, 10_000), 100),
  lane: optional(readName),
} satisfies Readers<DeadLettersOptions>;

/** A record that was left out. */
export interface DeadLetter {
  /** When it was left out, by the clock of Redis. */
  readonly at: Date;
  readonly lane: string;
  /** "<n>-<token>". */
  readonly generation: string;
  /** The partition of the source, and the place of the record there. */
  readonly partition: number;
  readonly offset: Offset;
  /** Why, in words. */
  readonly error: string;
  /** Text as it was, bytes in base64, anything else as JSON; up to 16384 characters of it. */
  readonly value: string;
}

const MOST_CHARACTERS = 16_384;

export const letterOf = ({ offset, value }: SourceRecord, error: unknown): Letter => ({
  offset: printOffset(offset),
  // The words of a RowError name the value, which the letter has.
  error: error instanceof RowError ? error.message : messageOf(error),
  value: textOf(value).slice(0, MOST_CHARACTERS),
});

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  try {
    return JSON.stringify(value, (_, each: unknown) =>
      typeof each === 'bigint' ? String(each) : each,
    ) as string;
  } catch {
    return messageOf(value);
  }
}

/** The latest dead letters of a view, the latest first. Throws UnavailableError. */
export async function readDeadLetters(
  partitions: readonly Partition[],
  view: string,
  { most, lane }: { readonly most: number; readonly lane: string | undefined },
): Promise<readonly DeadLetter[]> {
  const found = await Promise.all(
    partitions.map((each) => each.call(XREVRANGE, { key: each.keys.dead(view), most })),
  );
  return found
    .flat()
    .filter((letter) => lane === undefined || letter.lane === lane)
    .sort((one, other) => other.at.getTime() - one.at.getTime())
    .slice(0, most);
}

interface Range {
  readonly key: string;
  readonly most: number;
}

const XREVRANGE: CallCommand<Range, readonly DeadLetter[]> = {
  ...{ command: 'XREVRANGE', binary: true, keys: [], most: 1 },
  encode: ({ request: { key, most } }, keys, args) => {
    keys.push(key);
    args.push('+', '-', 'COUNT', String(most));
  },
  decode: (reply) => [
    (reply as readonly (readonly [BinaryReply, readonly BinaryReply[]])[]).map(([id, fields]) =>
      readLetter(String(id), fields.map(String)),
    ),
  ],
};

function readLetter(id: string, parts: readonly string[]): DeadLetter {
  const part = (name: string): string => parts[parts.indexOf(name) + 1] ?? '';
  return {
    at: new Date(Number(id.split('-', 1)[0])),
    lane: part('lane'),
    generation: part('generation').split('.')[1] ?? '',
    partition: Number(part('source')),
    offset: readOffset(part('offset')) ?? [0, 0],
    error: parts[9] ?? '',
    value: parts[11] ?? '',
  };
}
