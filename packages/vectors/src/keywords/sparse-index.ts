/**
 * An index of sparse vectors in the memory of this process: documents and queries are weights of terms, as models such as SPLADE
 * give them, and the score is their inner product.
 *
 * Guarantees: those of `inverted-index.ts`; the best documents are found, not approximately, by weights in 8 bits.
 */
import { display, MisuseError, readOptions } from '@holdfast/kernel';
import type { Hit } from '../index/finding.js';
import { codeOf } from './codes.js';
import { InvertedIndex, type KeywordStats } from './inverted-index.js';
import {
  COMPACT,
  type CompactOptions,
  type KeywordSearchOptions,
  readKeywordSearch,
  requireDocumentId,
  SPARSE_INDEX,
  type SparseIndexOptions,
} from './options.js';
import { byWeight } from './plan.js';
import { products, type Scoring } from './scoring.js';

/** Weights from 0 to 63, by term. Those of a document are kept in 8 bits: exact in steps of 1/64 below 1, else within 1.6 %. */
export type TermWeights = Readonly<Record<string, number>> | ReadonlyMap<string, number>;

const UNIT = 1 / 64;
const MOST_WEIGHT = 63;
const MOST_TERMS = 65_535;

export class SparseIndex {
  readonly #index: InvertedIndex;
  readonly #scoring: Scoring = products({ unit: UNIT });

  /** Throws MisuseError. */
  constructor(options: SparseIndexOptions) {
    this.#index = new InvertedIndex(readOptions('createSparseIndex', options, SPARSE_INDEX));
  }

  get size(): number {
    return this.#index.size;
  }

  has(id: string): boolean {
    return this.#index.has(id);
  }

  /**
   * Stores weights under an id, in place of those that it had; weights below 1/128 are left out. Throws MisuseError for a weight
   * that is not from 0 to 63, and for more than 65,535 terms; UnavailableError when the memory is full. Then nothing has changed.
   */
  put(id: string, weights: TermWeights): void {
    requireDocumentId(id);
    const coded = weightsOf(weights)
      .map(([term, weight]) => [term, codeOf(weight / UNIT)] as const)
      .filter(([, code]) => code > 0);
    this.#index.put(id, {
      terms: coded.map(([term]) => term),
      codes: coded.map(([, code]) => code),
      length: coded.length,
    });
  }

  /** Whether there was one. */
  delete(id: string): boolean {
    return this.#index.delete(id);
  }

  /** The documents with the highest scores, the best first; of equal ones by id. Throws MisuseError. */
  search(weights: TermWeights, options: KeywordSearchOptions = {}): Hit[] {
    const { limit, offset, minScore, filter } = readKeywordSearch(options);
    const terms = weightsOf(weights)
      .filter(([, weight]) => weight >= 1e-9)
      .sort(byWeight);
    const k = limit + offset;
    return this.#index.find({ terms, scoring: this.#scoring, k, minScore, filter }).slice(offset);
  }

  stats(): KeywordStats {
    return this.#index.stats();
  }

  /** As `compact` of an index of keywords. */
  async compact(options: CompactOptions = {}): Promise<void> {
    const { signal } = readOptions('compact', options, COMPACT);
    await this.#index.compact(signal);
  }
}

/** The weights by term; `of` is what they are called. Throws MisuseError. */
export function weightsOf(weights: unknown, of = 'Weights'): readonly (readonly [string, number])[] {
  if (typeof weights !== 'object' || weights === null || Array.isArray(weights)) {
    throw new MisuseError(`${of} are a Map or an object of numbers by term; got ${display(weights)}.`);
  }
  const entries: [unknown, unknown][] = weights instanceof Map ? [...weights] : Object.entries(weights);
  if (entries.length > MOST_TERMS) {
    throw new MisuseError(`${of} are ${MOST_TERMS} at most; got ${entries.length}.`);
  }
  return entries.map(([term, weight]): readonly [string, number] => {
    const isWeight = typeof weight === 'number' && weight >= 0 && weight <= MOST_WEIGHT;
    if (typeof term === 'string' && isWeight) return [term, weight];
    throw new MisuseError(
      `${of} are numbers from 0 to ${MOST_WEIGHT}; that of ${display(term)} is ${display(weight)}.`,
    );
  });
}

/** Weights of a query, as they were given. Throws MisuseError. */
export function readTerms(option: string, value: unknown): TermWeights {
  weightsOf(value, option);
  return value as TermWeights;
}
