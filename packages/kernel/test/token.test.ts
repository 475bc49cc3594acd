/** Tokens: what is one, and how they are proposed whatever the clock does. */
import {
  type Clock,
  MisuseError,
  requireToken,
  seededRandom,
  systemClock,
  TokenClock,
} from '@holdfast/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const clockAt = (wall: () => number): Clock => ({ ...systemClock, wall });

const tokensAt = (wall: () => number, seed = 1): TokenClock =>
  new TokenClock(clockAt(wall), seededRandom(seed));

describe('a token clock', () => {
  it('proposes the wall clock, and never the same token twice', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2 ** 50 }), { minLength: 2 }), (walls) => {
        let index = 0;
        const tokens = tokensAt(() => walls[index] ?? 1);
        const proposed = walls.map((_, next) => {
          index = next;
          return tokens.next();
        });
        proposed.slice(1).forEach((token, before) => {
          expect(token).toBeGreaterThan(proposed[before] ?? 0);
        });
        expect(proposed[0]).toBe(walls[0]);
      }),
    );
  });

  it('proposes above every fence that it was told of', () => {
    const tokens = tokensAt(() => 1_000);
    tokens.observe(5_000);
    tokens.observe(4_000);
    expect(tokens.next()).toBeGreaterThan(5_000);
  });

  it('does not propose what others propose who have seen the same and are behind, too', () => {
    const proposed = [1, 2, 3, 4].map((seed) => {
      const tokens = tokensAt(() => 1_000, seed);
      tokens.observe(5_000);
      return tokens.next();
    });
    expect(new Set(proposed).size).toBe(4);
    expect(Math.max(...proposed)).toBeLessThan(5_000 + 1_001);
  });

  it('follows the median of the nodes after a correction, also backwards', () => {
    const tokens = tokensAt(() => 9_000);
    expect(tokens.next()).toBe(9_000);
    tokens.correct([1_000, 2_000, 9_999]);
    expect(tokens.next()).toBe(2_000);
    expect(tokens.estimate()).toBe(2_000);
    tokens.correct([]);
    expect(tokens.next()).toBe(2_001);
  });
});

describe('a token clock that one needed node refuses', () => {
  it.each([
    { nodeTime: 9_000, proposed: 9_400 },
    { nodeTime: 11_000, proposed: 10_600 },
    { nodeTime: 10_100, proposed: 10_000 },
  ])('comes as near to $nodeTime as it must', ({ nodeTime, proposed }) => {
    const tokens = tokensAt(() => 10_000);
    expect(tokens.next()).toBe(10_000);
    tokens.approach(nodeTime, 400);
    expect(tokens.estimate()).toBe(proposed);
  });
});

describe('requireToken', () => {
  it('takes positive safe integers and nothing else', () => {
    expect(requireToken(1)).toBe(1);
    for (const value of [0, -1, 0.5, 2 ** 53, '1', null, undefined, Number.NaN]) {
      expect(() => requireToken(value)).toThrow(MisuseError);
    }
  });
});
