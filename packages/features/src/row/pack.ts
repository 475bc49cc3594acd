/**
 * Rows as one argument of a call: one behind the other, if all have the same size; otherwise each behind four bytes with its
 * size. A server takes one long argument in less time than many short ones, and so do the clients.
 */
export interface PackedRows {
  readonly count: number;
  /** How many bytes each row has; 0 if they differ. */
  readonly size: number;
  readonly bytes: Buffer;
}

export function packRows(rows: readonly Uint8Array[]): PackedRows {
  const size = sizeOfEach(rows);
  let total = 0;
  for (const row of rows) total += row.length + (size === 0 ? 4 : 0);
  const bytes = Buffer.allocUnsafe(total);
  let at = 0;
  for (const row of rows) {
    if (size === 0) at = bytes.writeUInt32LE(row.length, at);
    bytes.set(row, at);
    at += row.length;
  }
  return { count: rows.length, size, bytes };
}

/** As if all had been packed together. */
export function joinRows(parts: readonly PackedRows[]): PackedRows {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return first ?? packRows([]);
  if (first.size === 0 || parts.some(({ size }) => size !== first.size))
    return packRows(parts.flatMap(unpackRows));
  const count = parts.reduce((sum, each) => sum + each.count, 0);
  return { count, size: first.size, bytes: Buffer.concat(parts.map(({ bytes }) => bytes)) };
}

/** What `packRows` has packed. */
export function unpackRows({ count, size, bytes }: PackedRows): readonly Uint8Array[] {
  let at = 0;
  return Array.from({ length: count }, () => {
    const from = size === 0 ? at + 4 : at;
    at = from + (size === 0 ? bytes.readUInt32LE(at) : size);
    return bytes.subarray(from, at);
  });
}

function sizeOfEach(rows: readonly Uint8Array[]): number {
  const size = rows[0]?.length ?? 0;
  for (const row of rows) if (row.length !== size) return 0;
  return size;
}
