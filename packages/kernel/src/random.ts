/**
 * Randomness, as a value that is passed in. The system source below is the only place in Holdfast that draws random
 * numbers; tests and the simulator pass a seeded one, so that a run can be repeated.
 */
import { randomFillSync } from 'node:crypto';

export interface Random {
  /** A number in [0, 1). */
  unit(): number;
  /** Twelve lower-case letters and digits that no other call returns (about 62 random bits). */
  id(): string;
}

export const systemRandom: Random = {
  unit: Math.random,
  id: () => {
    let id = '';
    while (id.length < 12) {
      const byte = nextByte();
      // Of the others, some letters would come more often.
      if (byte < 252) id += LETTERS.charAt(byte % 36);
    }
    return id;
  },
};

const LETTERS = '0123456789abcdefghijklmnopqrstuvwxyz';
/** Drawn many at a time, since one call for a few takes as long. */
const bytes = new Uint8Array(4_096);
let taken = bytes.length;

function nextByte(): number {
  if (taken === bytes.length) {
    randomFillSync(bytes);
    taken = 0;
  }
  taken += 1;
  return bytes[taken - 1] ?? 0;
}

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
