/**
 * Randomness, as a value that is passed in. The system source below is the only place in Holdfast that draws random
 * numbers; tests and the simulator pass a seeded one, so that a run can be repeated.
 */
import { randomUUID } from 'node:crypto';

export interface Random {
  /** A number in [0, 1). */
  unit(): number;
  /** Twelve lower-case letters and digits that no other call returns (about 62 random bits). */
  id(): string;
}

export const systemRandom: Random = {
  unit: Math.random,
  id: () => {
    const hex = randomUUID().replaceAll('-', '');
    return BigInt(`0x${hex.slice(16)}`)
      .toString(36)
      .padStart(13, '0')
      .slice(-12);
  },
};

/** A repeatable source: mulberry32, 32 bits of state. Never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    unit,
    id: () => Array.from({ length: 12 }, () => Math.floor(unit() * 36).toString(36)).join(''),
  };
}
