/** What searches of an index in Redis answer. */
import type { KnownDocument } from '../follow/documents.js';
import type { Degradation } from '../hybrid/in-time.js';
import type { Text } from '../keywords/keyword-index.js';
import type { Snippet } from '../keywords/snippet.js';
import type { Attributes } from '../truth/record.js';
import type { Facets } from './browse.js';

/** A document, as this process knows it. */
export interface StoredDocument {
  readonly id: string;
  readonly attributes: Attributes;
  /** When it was true. */
  readonly time: Date;
}

/** The part of a text that says most about a query, and the field that it is of, if the text has fields. */
export interface FoundSnippet extends Snippet {
  readonly field: string | undefined;
}

export interface FoundDocument extends StoredDocument {
  /**
   * Higher is better. Of vectors alone: the cosine, the inner product, or the distance with a minus sign; of words alone: BM25; of terms alone: the inner product; else
   * as `fuse` or `rerank` makes it.
   */
  readonly score: number;
  /** Which of its vectors is the nearest, from 0; undefined if only words or terms found it. */
  readonly chunk: number | undefined;
  /** From 1, by what found it: `keywords`, `terms`, and `vectors` or the names of the vectors. */
  readonly ranks: Readonly<Record<string, number>>;
  readonly scores: Readonly<Record<string, number>>;
  /** If `texts` asked for it; undefined also if the document has none, or was changed meanwhile. */
  readonly text?: Text | undefined;
  /** If `snippet` asked for it; undefined also if the document has no text, or was changed meanwhile. */
  readonly snippet?: FoundSnippet | undefined;
}

export interface Results {
  /** The best first; of equal scores the lower id first; as `diversify` chooses them, if it is asked for. */
  readonly hits: readonly FoundDocument[];
  /** Of all documents that match the filter. */
  readonly facets: Facets;
  /** What this search has seen: another one, on any server, sees no less `after` it. */
  readonly place: string;
  /** What was left out because it was late or failed; empty if nothing was. */
  readonly degraded: readonly Degradation[];
}

export interface Scrolled {
  readonly documents: readonly StoredDocument[];
  /** Give it as `from` for the next page; undefined after the last. */
  readonly next: string | undefined;
}

/** What became of the documents that matched. */
export interface Deleted {
  readonly deleted: number;
  /** Those that were written meanwhile, or are later than the deletion: they are as they were. */
  readonly kept: number;
  /** Searches `after` it see the deletions; undefined if there are none. */
  readonly place: string | undefined;
}

export const told = ({ id, attributes, time }: KnownDocument): StoredDocument => ({
  ...{ id, attributes },
  time: new Date(time),
});
