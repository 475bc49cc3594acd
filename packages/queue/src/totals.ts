/**
 * How many tasks of a queue have ended how, and how long they took, since the queue exists: kept in Redis (lua/tally.lua),
 * so that the numbers only grow, whichever processes come and go.
 */

/** Of a queue since it exists: they only grow, whichever processes come and go, until it is obliterated. */
export interface Totals {
  readonly completed: number;
  /** Dead letters. */
  readonly failed: number;
  /** Attempts that failed and were followed by another. */
  readonly retried: number;
  /** Attempts that were put off. */
  readonly deferred: number;
  /**
   * How long completed tasks took from their add to their end, delays included: for each upper bound in ms, how many took
   * that long at most and longer than the bound before; and the sum of all in ms.
   */
  readonly latency: {
    readonly buckets: readonly (readonly [bound: number, count: number])[];
    readonly sum: number;
  };
}

/** Reads the fields of lua/tally.lua. */
export function readTotals(items: readonly string[]): Totals {
  const counts = new Map<string, number>();
  for (let index = 0; index < items.length; index += 2)
    counts.set(String(items[index]), Number(items[index + 1]));
  const of = (field: string): number => counts.get(field) ?? 0;
  const buckets = [...counts].flatMap(([field, count]): [number, number][] => {
    const bound = /^took:(\d+|more)$/.exec(field)?.[1];
    if (bound === undefined) return [];
    return [[bound === 'more' ? Number.POSITIVE_INFINITY : Number(bound), count]];
  });
  return {
    completed: of('ends:done'),
    failed: of('ends:dead'),
    retried: of('ends:retry'),
    deferred: of('ends:later'),
    latency: { buckets, sum: of('took:sum') },
  };
}

/** Of several queues together. */
export function sumTotals(all: readonly Totals[]): Totals {
  const sum = (of: (totals: Totals) => number): number => all.reduce((before, each) => before + of(each), 0);
  const bounds = all[0]?.latency.buckets ?? [];
  return {
    completed: sum(({ completed }) => completed),
    failed: sum(({ failed }) => failed),
    retried: sum(({ retried }) => retried),
    deferred: sum(({ deferred }) => deferred),
    latency: {
      buckets: bounds.map(([bound], place) => [
        bound,
        sum(({ latency }) => latency.buckets[place]?.[1] ?? 0),
      ]),
      sum: sum(({ latency }) => latency.sum),
    },
  };
}
