/**
 * Chance that can be repeated: the same seed gives the same schedule of faults. What the operating system makes of
 * that schedule differs from run to run, of course.
 */

export interface Dice {
  /** A number from `low` to below `high`. */
  between(low: number, high: number): number;
  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T;
}

/** Mulberry32. Never for secrets. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    between: (low, high) => low + (high - low) * unit(),
    pick: (items) => items[Math.floor(unit() * items.length)] as (typeof items)[number],
  };
}
