/** What an index in Redis says of itself, as this process has it. */
import type { IndexStats } from '../index/local-index.js';
import type { KeywordStats } from '../keywords/inverted-index.js';

export interface VectorIndexStats {
  readonly documents: number;
  /** How many documents were written that this process has not applied yet, as far as it knows. */
  readonly behind: number;
  /** Documents that are not searched here, or only in part, because their vectors or words do not fit into the memory. */
  readonly unapplied: number;
  /** Documents that another program has written in a way that cannot be read. */
  readonly unreadable: number;
  /** Documents that have something to make vectors of, and wait for those of the live generation. */
  readonly waiting: number;
  /** Why the last try to read what was written failed; undefined if it did not. */
  readonly failure: string | undefined;
  /** Of the vectors, of the first name if they have names; undefined before everything was read once. */
  readonly vectors: IndexStats | undefined;
  /** Of the vectors of each name; empty if they have no names, and before everything was read once. */
  readonly named: Readonly<Record<string, IndexStats>>;
  /** Of what filters and facets look at: the attributes of the schema, without the documents themselves. */
  readonly attributeBytes: number;
  /** Of the words; undefined without `keywords`. */
  readonly keywords: KeywordStats | undefined;
  /** Of the weights of terms; undefined without `terms`. */
  readonly terms: KeywordStats | undefined;
  /** Why the last snapshot was not written, or the one that was there not used; undefined if it was, and without `snapshots`. */
  readonly snapshotFailure: string | undefined;
}
