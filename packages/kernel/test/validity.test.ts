/** The arithmetic of a lease's time. */
import { type Allowance, renewalDue, validityOf, validUntil } from '@holdfast/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const ALLOWANCE: Allowance = { drift: 0.01, resolution: 2 };

const between = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true });

const anyAllowance = fc.record({ drift: between(0, 0.99), resolution: between(0, 5) });
const anyTtl = between(1, 1e8);
const anyTime = between(0, 1e10);
const anyServer = fc.record({ onItsWay: between(0, 1e6), pace: between(0, 1) });

describe('validity', () => {
  it('is the TTL without what clocks may drift apart, and the resolution of the server', () => {
    expect(validityOf(10_000, ALLOWANCE)).toBe(9_898);
    expect(validUntil(500, 10_000, ALLOWANCE)).toBe(10_398);
    expect(validityOf(2, ALLOWANCE)).toBeLessThan(0);
  });

  it('ends before the server lets go, whatever time the call took and however the clocks drift as far as they may', () => {
    fc.assert(
      fc.property(anyTime, anyTtl, anyAllowance, anyServer, (since, ttl, allowance, { onItsWay, pace }) => {
        const slowest = 1 - allowance.drift;
        const rate = slowest + pace * (1 / slowest - slowest); // of the server's clock, beside the holder's
        const kept = Math.max(0, ttl - allowance.resolution); // by the server's clock
        const letsGo = since + onItsWay + kept / rate;
        expect(validUntil(since, ttl, allowance)).toBeLessThanOrEqual(letsGo + 1e-9 * letsGo);
      }),
    );
  });

  it('is prolonged by a call that was sent later, and only by that', () => {
    fc.assert(
      fc.property(anyTime, anyTime, anyTtl, anyAllowance, (one, other, ttl, allowance) => {
        const difference = validUntil(one, ttl, allowance) - validUntil(other, ttl, allowance);
        expect(difference).toBeCloseTo(one - other, 3);
      }),
    );
  });
});

describe('the time of a renewal', () => {
  it('leaves two thirds of the validity, whatever the drift', () => {
    fc.assert(
      fc.property(anyTime, anyTtl, anyAllowance, (since, ttl, allowance) => {
        const validity = validityOf(ttl, allowance);
        fc.pre(validity > 0);
        const left = validUntil(since, ttl, allowance) - renewalDue(since, ttl, allowance);
        expect(left).toBeCloseTo((validity * 2) / 3, 3);
      }),
    );
  });
});
