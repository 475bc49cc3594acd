/**
 * The vectors of a generation that the server itself searches: of these, this process knows only which documents have some, and
 * during a search the vectors of what changes meanwhile.
 *
 * Guarantees: what is told of a document's vectors is so of the text that it has; nothing is kept here when nobody searches.
 */
import type { IndexStats } from '../index/local-index.js';
import type { VectorSet } from '../keys.js';
import { countsIn, DIGEST_BYTES, readVectors } from '../truth/record.js';
import { type Named, RecentVectors } from './recent-vectors.js';

const COUNT_BYTES = 4;

/** In place of vectors of which only was read that they are there. */
const UNREAD: Named = [];

export class ServerVectors {
  /** Its number. */
  readonly generation: string;
  readonly model: string;
  readonly sets: readonly VectorSet[];
  readonly isTrainingDue = false;
  readonly recent = new RecentVectors();

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

  /** Of the bytes of a document's vectors, so many are to be read at the moment; all, if undefined. */
  get wantedBytes(): number | undefined {
    return this.recent.isWatched ? undefined : DIGEST_BYTES + COUNT_BYTES * this.sets.length;
  }

  /** Undefined if the document has none that are made of what `digest` names. `isWhole`: all bytes were read. */
  read(bytes: Buffer | null, digest: Buffer, isWhole: boolean): Named | undefined {
    if (isWhole) return readVectors(bytes, digest, this.dimensions);
    return countsIn(bytes, digest, this.sets.length) && UNREAD;
  }

  stats(): Readonly<Record<string, IndexStats>> {
    return {};
  }

  replace({ id }: { readonly id: string }, vectors: Named): void {
    this.recent.note(id, vectors === UNREAD ? undefined : vectors);
  }

  delete(id: string): void {
    this.recent.note(id, []);
  }

  async train(): Promise<void> {}
}
