/** How tokens are proposed, whatever clocks do and whatever a minority of the nodes says. */
import { type Clock, seededRandom, systemClock } from '@holdfast/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenClock } from '../src/token-clock.js';
import type { Vote } from '../src/votes.js';

/** Milliseconds. */
const WINDOW = 5;
const NOW = 1_000_000;
/** Far beyond any window, in microseconds. */
const FAR = 10_000_000;

/** Of three nodes; on its machine it is always `wall()`. */
const tokensAt = (wall: () => number, seed = 1): TokenClock => {
  const clock: Clock = { ...systemClock, wall, now: () => 0 };
  return new TokenClock({ clock, random: seededRandom(seed), quorum: 2, window: WINDOW });
};

const granted: Vote = { kind: 'granted' };
const failed: Vote = { kind: 'failed', reason: 'away', sent: true };
const window = (time: number): Vote => ({ kind: 'window', time });
const stale = (fence: number, time: number): Vote => ({ kind: 'stale', fence, time });
const held = (token: number): Vote => ({ kind: 'held', token, remaining: 1, first: false });

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

  it('proposes above the fences of a majority', () => {
    const tokens = tokensAt(() => NOW);
    tokens.learn([stale(NOW + 3_000, NOW), stale(NOW + 2_000, NOW), undefined], tokens.next());
    expect(tokens.next()).toBeGreaterThan(NOW + 3_000);
    tokens.learn([held(NOW + 4_500), held(NOW + 4_500), granted], tokens.next());
    expect(tokens.next()).toBeGreaterThan(NOW + 4_500);
  });

  it('does not propose what others propose who have seen the same and are behind, too', () => {
    const proposed = [1, 2, 3, 4].map((seed) => {
      const tokens = tokensAt(() => NOW, seed);
      tokens.learn([stale(NOW + 1_000, NOW), stale(NOW + 1_000, NOW), undefined], tokens.next());
      return tokens.next();
    });
    expect(new Set(proposed).size).toBe(4);
    expect(Math.max(...proposed)).toBeLessThan(NOW + 2_001);
  });

  it('follows the median of the nodes when too many refuse its time, also backwards', () => {
    const tokens = tokensAt(() => FAR);
    tokens.learn([window(NOW), window(NOW + 10), window(2 * FAR)], tokens.next());
    expect(tokens.next()).toBe(NOW);
    tokens.learn([], tokens.next());
    expect(tokens.next()).toBe(NOW + 2);
  });

  it('goes below a fence that no majority could exceed, and asks for nothing near it again', () => {
    const tokens = tokensAt(() => NOW);
    // One node is far ahead; another is away.
    expect(tokens.learn([granted, failed, window(FAR)], tokens.next())).toEqual(new Set([2]));
    expect(tokens.next()).toBeLessThan(NOW + 3_000);
    for (const vote of [stale(FAR, FAR), held(FAR)]) {
      tokens.learn([granted, failed, vote], tokens.next());
      expect(tokens.next()).toBeLessThan(NOW + 3_000);
      tokens.learn([held(NOW), granted, vote], tokens.next());
      expect(tokens.next()).toBeLessThan(NOW + 3_000);
    }
  });

  it('learns from what it granted that a node is not where another one is', () => {
    const tokens = tokensAt(() => NOW);
    for (let round = 0; round < 3; round += 1) {
      const proposal = tokens.next();
      expect(Math.abs(proposal - NOW)).toBeLessThan(3_000);
      tokens.learn([granted, held(NOW), window(FAR)], proposal);
    }
  });

  it('believes a node again whose clock was set right', () => {
    const tokens = tokensAt(() => NOW);
    tokens.learn([granted, failed, window(FAR)], tokens.next());
    tokens.learn([held(NOW), failed, granted], tokens.next());
    expect(tokens.learn([granted, failed, stale(NOW + 500, NOW)], tokens.next())).toEqual(new Set());
    expect(tokens.next()).toBeGreaterThan(NOW + 500);
  });

  it.each([
    { nodeTime: NOW - 6_000, proposed: NOW - 3_500 },
    { nodeTime: NOW + 6_000, proposed: NOW + 3_500 },
  ])('comes as near to the one needed node at $nodeTime as it must', ({ nodeTime, proposed }) => {
    const tokens = tokensAt(() => NOW);
    expect(tokens.learn([granted, failed, window(nodeTime)], tokens.next())).toEqual(new Set());
    expect(tokens.estimate()).toBe(proposed);
  });
});
