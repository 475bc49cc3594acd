/** What the customers' database says, in the examples of feature stores. */

export const CUSTOMERS = [
  { id: 'u1', age: 41, tier: 'gold' },
  { id: 'u2', age: 27, tier: 'none' },
] as const;

/** Of when that is, in ms since the epoch. */
export const AS_OF = Date.now() - 60_000;
