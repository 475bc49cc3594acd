/** The store that is simulated: its keys, and what bytes of its rows say. */
export const STORE = 'f';
export const PARTITIONS = 2;
export const USERS = ['u1', 'u2', 'u3', 'u4', 'u5', 'u6'] as const;
/** Of them, those that may be erased. */
export const ERASABLE = ['u5', 'u6'] as const;
/** What has flags: ids of two chunks. */
export const SHOPS = ['1', '2', '40000'] as const;

export const CATALOG = `{feat:${STORE}}:catalog`;
/** Where exported rows are: another one once the store has forgotten which one it is. */
export const FOLDERS = ['exported-1', 'exported-2', 'exported-3', 'exported-4'] as const;

export const ERASURES = `{feat:${STORE}}:erasures`;
export const partitionKey = (partition: number, name: string): string =>
  `{feat:${STORE}.${partition}}:${name}`;
export const rowKey = (partition: number, generation: string, id: string): string =>
  partitionKey(partition, `${generation}:${id}`);

/** How far in the future a row may be, in ms. */
export const AHEAD = 300_000;

/** What orders rows, as their first 40 bytes say. */
export interface RowHead {
  readonly rank: number;
  readonly checksum: number;
  /** In microseconds. */
  readonly time: number;
  readonly token: number;
  /** Source partition, turn, token, sequence and its second part: compared one after the other at the same time and rank. */
  readonly order: readonly number[];
}

/** `row` has one character a byte. */
export function headOf(row: string): RowHead {
  const bytes = Buffer.from(row.slice(0, 40), 'latin1');
  const [token, sequence] = [bytes.readDoubleLE(16), bytes.readDoubleLE(24)];
  return {
    rank: bytes[1] ?? 0,
    checksum: bytes.readUInt32LE(4),
    time: bytes.readDoubleLE(8),
    token,
    order: [bytes.readUInt16LE(32), bytes.readUInt16LE(34), token, sequence, bytes.readUInt32LE(36)],
  };
}

/** Which fields rows have: `n`, or before it `twice`, which is twice as much. */
export type Edition = 1 | 2;
