/** Chance from a seed, in the forms in which plans are drawn. */
import { type Random, seededRandom } from '@holdfast/kernel';

export class Dice {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  chance(probability: number): boolean {
    return this.#random.unit() < probability;
  }

  /** A whole number from `low` to `high`. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.#random.unit() * (high - low + 1));
  }

  /** From `low` to `high`, each order of magnitude as likely as the other. */
  scale(low: number, high: number): number {
    return Math.round(low * (high / low) ** this.#random.unit());
  }

  between(low: number, high: number): number {
    return low + this.#random.unit() * (high - low);
  }

  one<T>(values: readonly T[]): T {
    return values[this.whole(0, values.length - 1)] as T;
  }

  /** Some of 0 to `count` - 1, at least one. */
  some(count: number): number[] {
    const all = Array.from({ length: count }, (_, index) => index);
    const chosen = all.filter(() => this.chance(0.5));
    return chosen.length > 0 ? chosen : [this.whole(0, count - 1)];
  }
}
