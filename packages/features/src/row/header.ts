/**
 * The 40 bytes with which a row begins: u8 layout, u8 rank, u16 schema, u32 checksum, f64 event time, f64 token, f64
 * sequence, u16 source partition, u16 turn, u32 second part of the sequence; all little-endian. Scripts compare them as
 * they are, so the doubles hold whole numbers below 2^53.
 */
import { RowError } from '../errors.js';
import { viewOf } from './bytes.js';
import { CHECKSUM_AT, checksumIn } from './checksum.js';

/** The bytes of a header. */
export const HEADER = 40;

/** The layout of rows that this version writes and reads. */
export const LAYOUT = 1;

/** Who wrote a row, and where in its source it stands. */
export interface RowOrigin {
  /** Of the lane, 0 to 255: which lane wins at the same event time. */
  readonly rank: number;
  readonly token: number;
  /** How often another issuer has taken the lane over, 0 to 65535. */
  readonly turn: number;
  /** The number of the source partition, 0 to 65535. */
  readonly source: number;
  /** The place in the source, and its second part, below 2^32, where a place is two numbers. */
  readonly sequence: number;
  readonly second: number;
}

export interface Header extends RowOrigin {
  readonly schema: number;
  readonly checksum: number;
  /** The event time in microseconds. */
  readonly time: number;
}

/** Begins a row. Its origin and its checksum follow in `seal`. */
export function beginHeader(row: DataView, schema: number, time: number): void {
  row.setUint8(0, LAYOUT);
  row.setUint16(2, schema, true);
  row.setFloat64(8, time, true);
}

/** Completes a row with its origin and its checksum. */
export function seal(row: Uint8Array, origin: RowOrigin, seed: number): void {
  const view = viewOf(row);
  const at = row.byteOffset;
  row[1] = origin.rank;
  view.setFloat64(at + 16, origin.token, true);
  view.setFloat64(at + 24, origin.sequence, true);
  view.setUint16(at + 32, origin.source, true);
  view.setUint16(at + 34, origin.turn, true);
  view.setUint32(at + 36, origin.second, true);
  view.setUint32(at + CHECKSUM_AT, checksumIn(view, at, row.length, seed), true);
}

/** The event time of a row that is known to have a header, in microseconds. */
export const timeOf = (row: Uint8Array): number => viewOf(row).getFloat64(row.byteOffset + 8, true);

/** The header of a row that is known to have one. */
export function readHeader(row: Uint8Array): Header {
  const view = viewOf(row);
  const at = row.byteOffset;
  return {
    rank: row[1] ?? 0,
    schema: view.getUint16(at + 2, true),
    checksum: view.getUint32(at + CHECKSUM_AT, true),
    time: view.getFloat64(at + 8, true),
    token: view.getFloat64(at + 16, true),
    sequence: view.getFloat64(at + 24, true),
    source: view.getUint16(at + 32, true),
    turn: view.getUint16(at + 34, true),
    second: view.getUint32(at + 36, true),
  };
}

const MOST = 2 ** 53;

/** An event time as a user gives it, in whole microseconds. Throws RowError. */
export function microsOf(view: string, time: unknown): number {
  const given = time instanceof Date ? time.getTime() : time;
  const micros = typeof given === 'number' ? Math.round(given * 1_000) : Number.NaN;
  if (micros >= 0 && micros < MOST) return micros;
  throw new RowError(view, 'time', 'a date, or milliseconds since the epoch, until the year 2255', time);
}
