/**
 * Targets for numbers, and whether they were met.
 *
 * Guarantees: a bound is judged by the median of the rounds; something that must never happen, by the worst round. A
 * number that was not measured meets no target.
 */
import type { Target } from './report.js';
import type { Spread } from './statistics.js';

export const atMost = (name: string, measured: Spread, bound: number): Target => ({
  name,
  wanted: `≤ ${bound}`,
  measured,
  met: measured.median <= bound,
});

export const atLeast = (name: string, measured: Spread, bound: number): Target => ({
  name,
  wanted: `≥ ${bound}`,
  measured,
  met: measured.median >= bound,
});

/** `measured` counts it. */
export const never = (name: string, measured: Spread): Target => ({
  name,
  wanted: '0',
  measured,
  met: measured.max === 0,
});
