/**
 * What indexes of keywords and of sparse vectors have in common: postings, and their compaction, after which what was deleted
 * and replaced takes no room any more.
 *
 * Guarantees: a search finds what was put before it, never what was deleted, and each id at most once. A compaction goes on
 * beside everything else; one that fails or is aborted leaves everything as it was.
 */
import { BusyError, type Clock, throwIfAborted } from '@holdfast/kernel';
import { Slices } from '../index/slices.js';
import { type Ask, Finder, type Found } from './find.js';
import type { QueryCounts } from './plan.js';
import { type Content, Postings } from './postings.js';
import { countsOf, type Word } from './variants.js';

export interface KeywordStats {
  readonly documents: number;
  readonly terms: number;
  /** How many deleted and replaced documents still take room. */
  readonly removed: number;
  /** Of the index, those of ids and terms estimated. */
  readonly bytes: number;
  /** Whether more than a quarter of the documents that take room, and 1,000 of them, are removed ones. */
  readonly isCompactionDue: boolean;
}

export class InvertedIndex {
  readonly #memory: number;
  readonly #clock: Clock;
  readonly #finder = new Finder();
  #postings: Postings;
  /** While a compaction goes on: what takes the place of the postings. */
  #next: Postings | undefined;
  /** Why the compaction that goes on cannot come to its end. */
  #failure: unknown;
  #isCompacting = false;

  constructor({ memory, clock }: { readonly memory: number; readonly clock: Clock }) {
    this.#memory = memory;
    this.#clock = clock;
    this.#postings = new Postings(memory);
  }

  get size(): number {
    return this.#postings.documents;
  }

  has(id: string): boolean {
    return this.#postings.has(id);
  }

  put(id: string, content: Content): void {
    this.#postings.put(id, content);
    try {
      this.#next?.put(id, content);
    } catch (error) {
      this.#next = undefined; // it would lack this document
      this.#failure = error;
    }
  }

  delete(id: string): boolean {
    this.#next?.delete(id);
    return this.#postings.delete(id);
  }

  /** What it has for the words of a query, of each up to `most` terms. */
  count(words: readonly Word[], most: number): QueryCounts {
    const { documents, length } = this.#postings;
    return { documents, length, words: words.map((word) => countsOf(this.#postings, word, most)) };
  }

  find(ask: Ask): Found[] {
    return this.#finder.find(this.#postings, ask);
  }

  stats(): KeywordStats {
    const { documents, slots, terms, bytes } = this.#postings;
    const removed = slots - documents;
    return {
      ...{ documents, terms, removed },
      bytes: bytes + this.#finder.bytes,
      isCompactionDue: removed >= 1_000 && removed * 4 > slots,
    };
  }

  async compact(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isCompacting) throw new BusyError('The index is being compacted.', { resource: 'index' });
    this.#isCompacting = true;
    const from = this.#postings;
    const next = new Postings(this.#memory);
    this.#next = next;
    this.#failure = undefined;
    try {
      const slices = new Slices(this.#clock);
      // What is put meanwhile goes into both.
      for (let slot = 0, { slots } = from; slot < slots; slot++) {
        if (from.isThere(slot)) next.put(from.idOf(slot), from.contentOf(slot));
        throwIfAborted(signal, 'the index was compacted');
        await slices.next();
        if (this.#next !== next) throw this.#failure;
      }
      this.#postings = next;
    } finally {
      this.#isCompacting = false;
      this.#next = undefined;
    }
  }
}
