/** Rows as bytes, for tests of what judges them by their heads. */

/** What the head of a row says. */
export interface RowParts {
  readonly time?: number;
  readonly rank?: number;
  readonly token?: number;
  readonly sequence?: number;
  readonly second?: number;
  readonly source?: number;
  readonly turn?: number;
  readonly check?: number;
}

/** The present, in microseconds. */
export const NOW = Date.now() * 1_000;

/** A row with a body of a few bytes. */
export function row(parts: RowParts = {}): Buffer {
  const {
    time = NOW,
    rank = 1,
    token = 7,
    sequence = 1,
    second = 0,
    source = 0,
    turn = 0,
    check = 5,
  } = parts;
  const bytes = Buffer.alloc(44);
  bytes[0] = 1;
  bytes[1] = rank;
  bytes.writeUInt32LE(check, 4);
  bytes.writeDoubleLE(time, 8);
  bytes.writeDoubleLE(token, 16);
  bytes.writeDoubleLE(sequence, 24);
  bytes.writeUInt16LE(source, 32);
  bytes.writeUInt16LE(turn, 34);
  bytes.writeUInt32LE(second, 36);
  bytes.writeUInt32LE(0xff00ff00, 40);
  return bytes;
}
