/**
 * What a demonstration has started, to be ended again.
 *
 * Guarantees: all of it is ended, the latest first, also where ending a part fails; the first failure is thrown then.
 */
export class Undo {
  readonly #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  async all(): Promise<void> {
    const failed: unknown[] = [];
    for (const step of this.#steps.reverse()) await step().catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw failed[0];
  }
}
