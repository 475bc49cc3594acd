/**
 * The interface that the guard needs from an object store: to read an object with its mark and its ETag in one step,
 * and to put one on a condition. Adapters (s3.ts, directory.ts) implement it; conformance.ts tests whether a store
 * honours it.
 *
 * Guarantees of every adapter: a put is carried out whole or not at all, and only if its condition holds at that
 * moment. Two states of an object with different marks or contents have different ETags: with an ETag that depended on
 * the content alone, as S3's does, raising a mark would leave it as it was, and an old holder's condition would still
 * hold. Failures are thrown: a MisuseError if a repetition cannot help, anything else if it is not known whether a put
 * was carried out.
 */

/** The mark that the guard writes on an object beside its content. */
export interface Mark {
  /** The highest token that was accepted. */
  readonly token: number;
  /** The issuer; undefined in a mark that was made before issuers were kept. */
  readonly issuer?: string | undefined;
  /** The name of the write that made the content. Raising the token keeps it. */
  readonly write: string;
  /** Whether the object stands for "absent": it was sealed before it existed, or deleted through the guard. */
  readonly empty: boolean;
}

/** Headers that travel with the content, by their names in lower case, such as "content-type". */
export type Attributes = Readonly<Record<string, string>>;

export interface NewObject {
  readonly body: Uint8Array;
  readonly mark: Mark;
  readonly attributes: Attributes;
}

export interface StoredObject {
  /** Opaque: never parsed, only given back. */
  readonly etag: string;
  readonly body: Buffer;
  /** Undefined if the object was put past the guard. */
  readonly mark: Mark | undefined;
  readonly attributes: Attributes;
}

/** The ETag that the object must have; undefined: the object must not exist. */
type Expected = string | undefined;

/**
 * "put": carried out. "refused": the condition did not hold, and nothing was carried out. "unclear": the store refused,
 * but an earlier attempt of the same request may have been carried out; only a read can tell.
 */
export type PutAnswer =
  | { readonly word: 'put'; readonly etag: string }
  | { readonly word: 'refused' | 'unclear' };

/** Made by `s3Store` and `directoryStore`. */
export interface ObjectStore {
  /** The store as messages show it, without credentials. */
  readonly name: string;
  /** The object, or undefined if there is none. */
  get(key: string, signal: AbortSignal): Promise<StoredObject | undefined>;
  put(key: string, object: NewObject, expected: Expected, signal: AbortSignal): Promise<PutAnswer>;
  /** Removes the object and its mark. Only the conformance probe does so, to clean up after itself. */
  remove(key: string, signal: AbortSignal): Promise<void>;
}
