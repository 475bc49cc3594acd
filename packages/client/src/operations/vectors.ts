/** The operations on vectors. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { CallOptions, Transport } from '../transport.js';
import type { IndexHealth, IndexInfo } from './schemas.js';

export class Vectors {
  readonly #transport: Transport;

  /** Use createClient(). */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Delete a document, unless a later event is there. */
  delete(
    index: string,
    id: string,
    options?: CallOptions,
  ): Promise<{
    /** "written", or why not, such as "older". */
    readonly outcome: string;
    /** A search `after` this place sees the write. */
    readonly place?: string;
    readonly [more: string]: unknown;
  }> {
    return this.#transport.call({
      method: 'DELETE',
      path: '/v1/indexes/{index}/documents/{id}',
      params: { index, id },
      options,
    });
  }

  /** Look what an index has: its size, its model and its generations. */
  describe(
    index: string,
    options?: CallOptions,
  ): Promise<{
    readonly name: string;
    readonly entries: number;
    readonly live: string;
    readonly model: string;
    readonly [more: string]: unknown;
  }> {
    return this.#transport.call({ method: 'GET', path: '/v1/indexes/{index}', params: { index }, options });
  }

  /** Look what is wrong with an index, as this server has it, and at its generations. */
  health(index: string, options?: CallOptions): Promise<IndexHealth> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/indexes/{index}/health',
      params: { index },
      options,
    });
  }

  /**
   * List the indexes of vectors that the key may read. It looks through all keys, for which the server's user
   * needs the right +scan. The answer is at most 5 s old.
   */
  list(options?: CallOptions): Promise<{
    readonly indexes: readonly IndexInfo[];
  }> {
    return this.#transport.call({ method: 'GET', path: '/v1/indexes', options });
  }

  /** Write a document, in place of the one of its id, unless a later event is there. */
  put(
    index: string,
    id: string,
    body: {
      /** Numbers, or their 32-bit floats, little-endian, as base64. */
      readonly vector?: string | readonly number[];
      /** One for each chunk; or by name. */
      readonly vectors?:
        | readonly (string | readonly number[])[]
        | Readonly<Record<string, string | readonly number[] | readonly (string | readonly number[])[]>>;
      /** What it says, by which it is found: a text, or those of its fields. */
      readonly text?: string | Readonly<Record<string, string>>;
      /** Weights by term, as a sparse model gives them, by which it is found. */
      readonly terms?: Readonly<Record<string, number>>;
      readonly attributes?: Readonly<Record<string, unknown>>;
      /** When it was so, in ms since the epoch. Default: now. */
      readonly time?: number;
    },
    options?: CallOptions,
  ): Promise<{
    /** "written", or why not, such as "older". */
    readonly outcome: string;
    /** A search `after` this place sees the write. */
    readonly place?: string;
    readonly [more: string]: unknown;
  }> {
    return this.#transport.call({
      method: 'PUT',
      path: '/v1/indexes/{index}/documents/{id}',
      params: { index, id },
      body,
      options,
    });
  }

  /**
   * Find the documents that are nearest to a vector, or to a text or weights of terms, of those that match a
   * filter.
   */
  search(
    index: string,
    body: {
      /** Numbers, or their 32-bit floats, little-endian, as base64. */
      readonly vector?: string | readonly number[];
      /** Of an index with named vectors: by name. */
      readonly vectors?: Readonly<Record<string, string | readonly number[]>>;
      /** A document that is to be near, in place of a vector; it is left out. Of named vectors: `name`. */
      readonly like?: string;
      /** Whose vector of `like`. Default: the first. */
      readonly name?: string;
      /** Searched by its words and its meaning, as far as a program has defined the index for that. */
      readonly text?: string;
      /** Whether the last word of `text` may be a beginning, as somebody types it. */
      readonly prefix?: boolean;
      /** Whether a word of `text` that no document has may have one typing error. */
      readonly typos?: boolean;
      /**
       * Weights by term, as a sparse model gives them, if a program has defined the index for that: what has the
       * highest inner product with them is found.
       */
      readonly terms?: Readonly<Record<string, number>>;
      /** Conditions by attribute: a value, `{in}`, `{not}`, `{gt, gte, lt, lte}`, `and`, `or`, `not`. */
      readonly filter?: Readonly<Record<string, unknown>>;
      /** Attributes whose values are counted. */
      readonly facets?: readonly string[];
      /** Leaves out what vectors find with a lower score. */
      readonly minScore?: number;
      /** Whether each hit has its text. */
      readonly texts?: boolean;
      readonly limit?: number;
      readonly offset?: number;
      /** A search `after` this place sees the write. */
      readonly after?: string;
      /** How long to wait for that place, in ms. */
      readonly wait?: number;
    },
    options?: CallOptions,
  ): Promise<{
    readonly hits: readonly {
      /** 1 to 256 bytes of UTF-8. */
      readonly id: string;
      readonly score: number;
      readonly attributes: unknown;
      readonly [more: string]: unknown;
    }[];
    readonly facets?: Readonly<Record<string, unknown>>;
    /** What was left out because it was late or failed. */
    readonly degraded?: readonly unknown[];
    /** A search `after` this place sees the write. */
    readonly place: string;
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/indexes/{index}/search',
      params: { index },
      body,
      options,
    });
  }
}
