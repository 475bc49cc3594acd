/**
 * Weights of terms in 8 bits: a number of units, exact up to 64, beyond that within 1.6 %, up to 4,032.
 *
 * Guarantees: a higher weight never has a lower code, and code 0 is what is less than half a unit.
 */

const BITS = 5;
const STEPS = 2 ** BITS;

/** The number of units that a code stands for. */
export const UNITS: Float64Array = Float64Array.from({ length: 256 }, (_, code) =>
  code < STEPS ? code : (STEPS + (code % STEPS)) * 2 ** ((code >> BITS) - 1),
);

const MOST_UNITS = UNITS[255]!;

/** The code of the number of units that is nearest. */
export function codeOf(units: number): number {
  if (units >= MOST_UNITS) return 255;
  const whole = Math.round(units);
  if (whole < 2 * STEPS) return whole;
  const exponent = 31 - Math.clz32(whole) - BITS;
  // May be 2 * STEPS, which is the first code of the next exponent.
  return exponent * STEPS + Math.round(units / 2 ** exponent);
}
