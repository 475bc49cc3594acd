/**
 * Durations as people write them (`250ms`, `10s`, `2m`, `1h`), read as Holdfast counts them, in whole milliseconds.
 *
 * Guarantees: text that is not exactly a duration is undefined, never a guess: no unknown units, no fractions of a
 * millisecond.
 */

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** The forms, for messages and for help. */
export const DURATION_FORMS = '250ms, 10s, 2m, 1h, or a number of milliseconds';

/** Milliseconds; undefined if `text` is not a duration. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (match === null) return undefined;
  const duration = Number(match[1]) * (UNITS[match[2] ?? 'ms'] ?? 1);
  return Number.isSafeInteger(duration) ? duration : undefined;
}
