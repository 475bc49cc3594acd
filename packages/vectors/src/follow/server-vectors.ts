/**
 * The vectors of a generation that the server itself searches: of these, this process knows only which documents have some.
 *
 * Guarantees: what is told of a document's vectors is so of the text that it has; nothing is kept here.
 */
import type { IndexStats } from '../index/local-index.js';
import type { VectorSet } from '../keys.js';
import { countsIn, DIGEST_BYTES } from '../truth/record.js';

const COUNT_BYTES = 4;

export class ServerVectors {
  /** Its number. */
  readonly generation: string;
  readonly model: string;
  readonly sets: readonly VectorSet[];
  readonly isTrainingDue = false;

  constructor(generation: string, model: string, sets: readonly VectorSet[]) {
    this.generation = generation;
    this.model = model;
    this.sets = sets;
  }

  get names(): readonly string[] {
    return this.sets.map(({ name }) => name);
  }

  get dimensions(): readonly number[] {
    return this.sets.map(({ dimensions }) => dimensions);
  }

  /** Of the bytes of a document's vectors, so many are read here. */
  get headBytes(): number {
    return DIGEST_BYTES + COUNT_BYTES * this.sets.length;
  }

  /** None are here: undefined if the document has none that are made of what `digest` names. */
  read(head: Buffer | null, digest: Buffer): readonly (readonly Float32Array[])[] | undefined {
    return countsIn(head, digest, this.sets.length) && [];
  }

  stats(): Readonly<Record<string, IndexStats>> {
    return {};
  }

  replace(): void {}

  delete(): void {}

  async train(): Promise<void> {}
}
