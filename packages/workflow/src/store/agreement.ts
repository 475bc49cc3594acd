/**
 * On how many partitions an app has: asked once, and again only if that has failed.
 */
import { MisuseError } from '@holdfast/kernel';

export class Agreement {
  isReached = false;
  readonly #app: string;
  readonly #partitions: number;
  readonly #agree: () => Promise<number>;
  #asking: Promise<void> | undefined;

  constructor(app: string, partitions: number, agree: () => Promise<number>) {
    this.#app = app;
    this.#partitions = partitions;
    this.#agree = agree;
  }

  /** Throws MisuseError, UnavailableError. */
  reach(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const known = await this.#agree();
    if (known !== this.#partitions) {
      throw new MisuseError(
        `The workflow app "${this.#app}" has ${known} partitions, and this program says ${this.#partitions}; nothing was done. Give partitions: ${known} to createWorkflows(), or another name for another app.`,
      );
    }
    this.isReached = true;
  }
}
