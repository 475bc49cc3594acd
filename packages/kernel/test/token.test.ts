/** Tokens: what is one, and how they are proposed whatever the clock does. */
import { type Clock, MisuseError, requireToken, systemClock, TokenClock } from '@holdfast/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const clockAt = (wall: () => number): Clock => ({ ...systemClock, wall });

describe('a token clock', () => {
  it('proposes the wall clock, and never the same token twice', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2 ** 50 }), { minLength: 2 }), (walls) => {
        let index = 0;
        const tokens = new TokenClock(clockAt(() => walls[index] ?? 1));
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
    const tokens = new TokenClock(clockAt(() => 1_000));
    tokens.observe(5_000);
    tokens.observe(4_000);
    expect(tokens.next()).toBe(5_001);
  });

  it('follows the median of the nodes after a correction, also backwards', () => {
    const tokens = new TokenClock(clockAt(() => 9_000));
    expect(tokens.next()).toBe(9_000);
    tokens.correct([1_000, 2_000, 9_999]);
    expect(tokens.next()).toBe(2_000);
    expect(tokens.estimate()).toBe(2_000);
    tokens.correct([]);
    expect(tokens.next()).toBe(2_001);
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
