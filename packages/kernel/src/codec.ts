/**
 * What a program puts between its data and where they are kept: compression, encryption. Both ways may be asynchronous.
 */

export interface CodecContext {
  /**
   * Where the data are kept, such as "workflow:shop.0": the same in both directions. Authenticate it with them, and what
   * was copied there from elsewhere is refused.
   */
  readonly owner: string;
}

/** Let the first byte name the way and the key, so that what was encoded before a change can still be decoded. */
export interface Codec {
  encode(data: Uint8Array, context: CodecContext): Uint8Array | Promise<Uint8Array>;
  /** Gives what `encode` was given, or throws. */
  decode(data: Uint8Array, context: CodecContext): Uint8Array | Promise<Uint8Array>;
}
