/** Measures of drift, beside their definitions and published values. */
import { kolmogorovSmirnov, populationStability, profileOf } from '@holdfast/features/offline';
import { seededRandom } from '@holdfast/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const numbers = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 80 });

describe('the Kolmogorov-Smirnov statistic', () => {
  it('is the greatest difference of the distribution functions', () => {
    fc.assert(
      fc.property(numbers, numbers, (one, other) => {
        const below = (all: number[], value: number) =>
          all.filter((each) => each <= value).length / all.length;
        const differences = [...one, ...other].map((value) =>
          Math.abs(below(one, value) - below(other, value)),
        );
        expect(kolmogorovSmirnov(one, other).statistic).toBeCloseTo(Math.max(...differences), 12);
      }),
    );
  });

  it('has the critical values of the tables', () => {
    // For large samples, 1.358 / sqrt(nm / (n + m)) is the critical value at 5 %, and 1.628 at 1 %.
    const sample = Array.from({ length: 20_000 }, (_, at) => at / 20_000);
    const shifted = (by: number) => sample.map((value) => value + by);
    expect(kolmogorovSmirnov(sample, shifted(0.01358)).p).toBeCloseTo(0.05, 2);
    expect(kolmogorovSmirnov(sample, shifted(0.01628)).p).toBeCloseTo(0.01, 2);
    expect(kolmogorovSmirnov(sample, sample)).toEqual({ statistic: 0, p: 1 });
  });
});

describe('the population stability index', () => {
  it('is 0 for the same sample, and never below', () => {
    fc.assert(
      fc.property(numbers, numbers, (one, other) => {
        expect(populationStability(one, one)).toBe(0);
        expect(populationStability(one, other)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is what its definition says of two halves', () => {
    const before = [1, 2, 3, 4];
    const after = [1, 4, 5, 6]; // a quarter up to 2.5, which was a half
    const wanted = (0.25 - 0.5) * Math.log(0.25 / 0.5) + (0.75 - 0.5) * Math.log(0.75 / 0.5);
    expect(populationStability(before, after, 2)).toBeCloseTo(wanted, 12);
  });

  it('tells a change from chance', () => {
    const random = seededRandom(7);
    const draw = (shift: number) => Array.from({ length: 5_000 }, () => random.unit() + shift);
    expect(populationStability(draw(0), draw(0))).toBeLessThan(0.1);
    expect(populationStability(draw(0), draw(0.5))).toBeGreaterThan(0.25);
  });
});

describe('a profile', () => {
  it('has counts, the mean and deciles', () => {
    const values = [null, ...Array.from({ length: 101 }, (_, at) => at), 100, Number.NaN];
    expect(profileOf(values)).toMatchObject({ count: 104, nulls: 1, distinct: 101, min: 0, max: 100 });
    const { mean, deciles } = profileOf(Array.from({ length: 101 }, (_, at) => at));
    expect(mean).toBeCloseTo(50, 12);
    expect(deciles).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  });

  it('is refused without a number', () => {
    expect(() => profileOf([null, Number.NaN])).toThrow('The profiled values have no number among them');
    expect(() => populationStability([], [1])).toThrow('The baseline values have no number');
    expect(() => kolmogorovSmirnov([1], [])).toThrow('The current values have no number');
  });
});
