/** What programs use of indexes of keywords and of sparse vectors. */
import { KeywordIndex } from './keyword-index.js';
import type { KeywordIndexOptions, SparseIndexOptions } from './options.js';
import { SparseIndex } from './sparse-index.js';

export type { KeywordStats } from './inverted-index.js';
export type { KeywordIndex, Text } from './keyword-index.js';
export type {
  CompactOptions,
  KeywordIndexOptions,
  KeywordSearchOptions,
  QueryOptions,
  SparseIndexOptions,
  WordSearchOptions,
} from './options.js';
export type { Snippet, SnippetOptions } from './snippet.js';
export type { SparseIndex, TermWeights } from './sparse-index.js';
export type { TokenizerOptions } from './tokenizer.js';

/** An index of the words of texts, by BM25, without texts. Throws MisuseError. */
export function createKeywordIndex(options: KeywordIndexOptions = {}): KeywordIndex {
  return new KeywordIndex(options);
}

/** An index of sparse vectors, which are weights of terms, without vectors. Throws MisuseError. */
export function createSparseIndex(options: SparseIndexOptions = {}): SparseIndex {
  return new SparseIndex(options);
}
