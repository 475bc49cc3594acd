/**
 * Durations in messages for people.
 *
 * Guarantees: pure; what it writes, `holdfast` reads as an option.
 */

const LONG = [
  ['h', 3_600_000],
  ['m', 60_000],
] as const;

/** A duration for people to read: 8200 is "8.2s". */
export function formatDuration(milliseconds: number): string {
  const rounded = Math.round(milliseconds);
  for (const [unit, length] of LONG) {
    if (rounded >= length && rounded % length === 0) return `${rounded / length}${unit}`;
  }
  return rounded >= 1_000 ? `${Number((rounded / 1_000).toFixed(1))}s` : `${rounded}ms`;
}
