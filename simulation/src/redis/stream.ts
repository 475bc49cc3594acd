/** A stream as a value: its entries, its consumer groups, and what these were delivered. */
export type Id = readonly [ms: number, sequence: number];

interface Delivered {
  consumer: string;
  /** In ms since 1970. */
  at: number;
  times: number;
}

export interface Group {
  last: Id;
  read: number;
  readonly consumers: Set<string>;
  /** By entry, in their order. */
  readonly pending: Map<string, Delivered>;
}

/** A stream: its entries in their order. One that is empty stays. */
export interface Stream {
  last: Id;
  added: number;
  readonly entries: Map<string, readonly string[]>;
  readonly groups: Map<string, Group>;
}

export function copyStream({ last, added, entries, groups }: Stream): Stream {
  const copies = [...groups].map(([name, { pending, consumers, ...group }]) => {
    const delivered = [...pending].map(([id, one]) => [id, { ...one }] as const);
    return [name, { ...group, consumers: new Set(consumers), pending: new Map(delivered) }] as const;
  });
  return { last, added, entries: new Map(entries), groups: new Map(copies) };
}
