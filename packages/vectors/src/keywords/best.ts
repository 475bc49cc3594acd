/** The best of what is offered: a heap of the highest scores, whose root is the one to be beaten. */

export class Best {
  readonly #most: number;
  readonly #isBefore: (a: number, b: number) => boolean;
  readonly #scores: number[] = [];
  readonly #things: number[] = [];

  /** Keeps `most`; of equal scores those of which `isBefore` says so. */
  constructor(most: number, isBefore: (a: number, b: number) => boolean = () => false) {
    this.#most = most;
    this.#isBefore = isBefore;
  }

  get isFull(): boolean {
    return this.#scores.length === this.#most;
  }

  /** Lower scores are not kept. */
  get least(): number {
    return this.isFull ? this.#scores[0]! : Number.NEGATIVE_INFINITY;
  }

  /** Whether `offer` would keep it. */
  takes(score: number, thing: number): boolean {
    const scores = this.#scores;
    if (scores.length < this.#most) return true;
    const root = scores[0]!;
    return score > root || (score === root && this.#isBefore(thing, this.#things[0]!));
  }

  /** Only what it takes. */
  offer(score: number, thing: number): void {
    const [scores, things] = [this.#scores, this.#things];
    if (this.isFull) {
      this.#sink(score, thing);
      return;
    }
    let at = scores.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isWorse(score, thing, parent)) break;
      scores[at] = scores[parent]!;
      things[at] = things[parent]!;
      at = parent;
    }
    scores[at] = score;
    things[at] = thing;
  }

  /** The best first. */
  sorted(): { readonly score: number; readonly thing: number }[] {
    return this.#scores
      .map((score, at) => ({ score, thing: this.#things[at]! }))
      .sort((a, b) => b.score - a.score || (this.#isBefore(a.thing, b.thing) ? -1 : 1));
  }

  /** In the place of the root. */
  #sink(score: number, thing: number): void {
    const [scores, things] = [this.#scores, this.#things];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= scores.length) break;
      if (child + 1 < scores.length && this.#isWorse(scores[child + 1]!, things[child + 1]!, child))
        child += 1;
      if (this.#isWorse(score, thing, child)) break;
      scores[at] = scores[child]!;
      things[at] = things[child]!;
      at = child;
    }
    scores[at] = score;
    things[at] = thing;
  }

  #isWorse(score: number, thing: number, at: number): boolean {
    const other = this.#scores[at]!;
    return score < other || (score === other && this.#isBefore(this.#things[at]!, thing));
  }
}
