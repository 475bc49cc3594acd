/**
 * Users' data on their way to where they are kept, and back, through the codec of a program.
 *
 * Guarantees: what is decoded is the text that was encoded, to the last character. What was kept before a program had a
 * codec is read as it is. What cannot be decoded is a CodecError, also in a program without a codec; so is a call of the
 * codec that has lasted for 10 s, whose answer then counts no more.
 */
import type { Clock } from './clock.js';
import type { Codec } from './codec.js';
import { CodecError } from './errors.js';
import { messageOf } from './thrown.js';

/** Begins an encoded text; no JSON begins so. */
const MARK = '~';

/** How long a call of a codec may last, in ms. */
const PATIENCE = 10_000;

export class Coder {
  readonly #codec: Codec;
  readonly #owner: string;
  readonly #clock: Clock;

  constructor(codec: Codec, owner: string, clock: Clock) {
    this.#codec = codec;
    this.#owner = owner;
    this.#clock = clock;
  }

  async encode(text: string): Promise<string> {
    return MARK + (await this.seal(text));
  }

  /** Of JSON. */
  async decode(text: string): Promise<string> {
    const sealed = sealedIn(text);
    return sealed === undefined ? text : this.unseal(sealed, requireJson);
  }

  /** Of text that need not be JSON. */
  async decodeReason(text: string): Promise<string> {
    const sealed = sealedIn(text);
    return sealed === undefined ? text : this.unseal(sealed, (reason) => reason);
  }

  /** The text as Base64 of what the codec makes of it, without the mark: for places that say otherwise that it is encoded. */
  async seal(text: string): Promise<string> {
    const owner = this.#owner;
    try {
      return base64(await this.#inTime(this.#codec.encode(Buffer.from(text), { owner })));
    } catch (cause) {
      throw new CodecError(
        `The codec of ${owner} did not encode what was to be kept: ${messageOf(cause)}. Nothing was done.`,
        { owner, cause },
      );
    }
  }

  /** What `read` makes of the text that was sealed; it throws for one that cannot have been. */
  async unseal<T>(sealed: string, read: (text: string) => T): Promise<T> {
    const owner = this.#owner;
    try {
      const decoded: unknown = await this.#inTime(
        this.#codec.decode(Buffer.from(sealed, 'base64'), { owner }),
      );
      return readAs(read, decoded);
    } catch (cause) {
      throw new CodecError(
        `The codec of ${owner} cannot decode what is kept: ${messageOf(cause)}. Give it every key that is still in use.`,
        { owner, cause },
      );
    }
  }

  async #inTime(answer: unknown): Promise<unknown> {
    if (answer instanceof Uint8Array) return answer;
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      const give = (): void => reject(new Error(`it has not answered for ${PATIENCE / 1_000} s`));
      cancel = () => timer.cancel();
      const timer = this.#clock.after(PATIENCE, give);
    });
    return Promise.race([answer, late]).finally(cancel);
  }
}

/** What `unseal` takes of a text that was encoded; undefined for another. */
export const sealedIn = (text: string): string | undefined =>
  text.startsWith(MARK) ? text.slice(MARK.length) : undefined;

/** The value of a text that is not encoded. Throws CodecError for another. */
export function plainValue(text: string): unknown {
  if (sealedIn(text) !== undefined) throw withoutCodec();
  return JSON.parse(text);
}

/** The error of a program that has no codec; `advice` is what to give. */
export const withoutCodec = (advice = 'it the codec of the app'): CodecError =>
  new CodecError(`What is kept is encoded, and this program cannot decode it. Give ${advice}.`);

/** A key that is wrong gives bytes all the same if the codec does not authenticate them. */
function readAs<T>(read: (text: string) => T, decoded: unknown): T {
  if (!(decoded instanceof Uint8Array)) throw new TypeError('decode did not give a Uint8Array');
  try {
    return read(Buffer.from(decoded).toString());
  } catch {
    throw new TypeError('decode did not give what encode was given');
  }
}

/** For `unseal`: the text, if it is JSON. */
export function requireJson(text: string): string {
  JSON.parse(text);
  return text;
}

function base64(bytes: unknown): string {
  if (bytes instanceof Uint8Array) return Buffer.from(bytes).toString('base64');
  throw new TypeError('encode did not give a Uint8Array');
}
