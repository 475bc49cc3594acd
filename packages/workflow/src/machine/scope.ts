/**
 * Scopes number what is begun in them, in the order of the calls: 0, 1, 2. A branch of a call that took number n is a scope
 * of its own, `n.<branch>.`, so that branches that go on side by side do not take numbers from each other.
 *
 * Guarantees: an id is given once. A scope that is cancelled cancels those within it, at once; what is begun in it later is
 * refused with the same error.
 */
import { createHash } from 'node:crypto';
import { AbortedError, MisuseError, type Random, seededRandom } from '@holdfast/kernel';

export class Scope {
  readonly prefix: string;
  readonly #within = new Set<Scope>();
  readonly #keys = new Set<string>();
  #cancelled: AbortedError | undefined;
  /** Made when somebody asks for its signal. */
  #controller: AbortController | undefined;
  #next = 0;
  #random: Random | undefined;

  constructor(prefix: string, parent?: Scope) {
    this.prefix = prefix;
    if (parent === undefined) return;
    parent.#within.add(this);
    if (parent.cancelled) this.cancel(parent.cancelled);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#cancelled) this.#controller.abort(this.#cancelled);
    }
    return this.#controller.signal;
  }

  /** Why, if it is cancelled. */
  get cancelled(): AbortedError | undefined {
    return this.#cancelled;
  }

  takeNumber(): string {
    const id = `${this.prefix}${this.#next}`;
    this.#next += 1;
    return id;
  }

  /** Throws MisuseError for a key that was used in it. */
  takeKey(key: string): string {
    if (this.#keys.has(key)) {
      throw new MisuseError(
        `The key "${key}" names two steps of one scope; give each step a key of its own.`,
      );
    }
    this.#keys.add(key);
    return `${this.prefix}@${key}`;
  }

  /** A number in [0, 1) that follows from the seed, the scope, and how many were given before. */
  chance(seed: string): number {
    this.#random ??= seededRandom(
      createHash('sha1').update(`${seed}\n${this.prefix}`).digest().readUInt32LE(0),
    );
    return this.#random.unit();
  }

  /** Marks it and those within it; the machine settles what is open. */
  cancel(reason: AbortedError): void {
    if (this.#cancelled) return;
    this.#cancelled = reason;
    this.#controller?.abort(reason);
    for (const scope of this.#within) scope.cancel(reason);
  }

  /** It has ended well: nothing will be begun in it. */
  leave(parent: Scope): void {
    parent.#within.delete(this);
  }
}

export const cancelledBy = (reason: string): AbortedError =>
  new AbortedError(`Cancelled: ${reason}.`, reason);
