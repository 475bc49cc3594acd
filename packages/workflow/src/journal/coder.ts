/**
 * Users' data on their way to where they are kept, and back, through the codec of the app: inputs, results, errors, messages,
 * checkpoints, states, chunks. What a partition must know, and what people look for, stays as it is: ids, names, states, times.
 *
 * Guarantees: what is decoded is the text that was encoded, to the last character. What was kept before the app had a codec
 * is read as it is. What cannot be decoded is a CodecError, also in a program without a codec; so is a call of the codec that
 * has lasted for 10 s, whose answer then counts no more.
 */
import { type Clock, type Codec, HoldfastError, messageOf } from '@holdfast/kernel';

/** What is kept was encoded in a way, or with a key, that this program does not know; or its codec has failed. */
export class CodecError extends HoldfastError {
  override readonly name = 'CodecError';
  readonly code = 'HOLDFAST_CODEC';
  /** Where the data are kept, such as "workflow:shop.0"; undefined in a program that has no codec. */
  readonly owner: string | undefined;

  constructor(message: string, { owner, cause }: { readonly owner?: string; readonly cause?: unknown } = {}) {
    super(message, { cause });
    this.owner = owner;
  }
}

/** The fields of records, and of schedules, that have users' data. */
const FIELDS: ReadonlySet<string> = new Set([
  'input',
  'loops',
  'value',
  'error',
  'outcome',
  'payload',
  'reason',
]);
/** Begins an encoded text; no JSON begins so. */
const MARK = '~';
/** How long a call of a codec may last, in ms. */
const PATIENCE = 10_000;

type Fields = Readonly<Record<string, unknown>>;

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
    return MARK + (await this.#encoded(text));
  }

  /** Of JSON. */
  async decode(text: string): Promise<string> {
    return text.startsWith(MARK) ? this.#decoded(text.slice(MARK.length), json) : text;
  }

  /** Of text that need not be JSON. */
  async decodeReason(text: string): Promise<string> {
    return text.startsWith(MARK) ? this.#decoded(text.slice(MARK.length), (reason) => reason) : text;
  }

  /** Of the text of an object, those of its fields that have users' data. */
  async encodeFields(json: string): Promise<string> {
    const fields: Fields = JSON.parse(json);
    const encoded = await this.#map(fields, (value) => this.#encoded(JSON.stringify(value)));
    return encoded.length === 0
      ? json
      : JSON.stringify({ ...fields, ...Object.fromEntries(encoded), coded: true });
  }

  async decodeFields(json: string): Promise<string> {
    const { coded, ...fields }: Fields = JSON.parse(json);
    if (coded === undefined) return json;
    const decoded = await this.#map(fields, (value) => this.#decoded(String(value), JSON.parse));
    return JSON.stringify({ ...fields, ...Object.fromEntries(decoded) });
  }

  /** Of the text of a record: a line of head, then the text of an object. */
  async encodeRecord(text: string): Promise<string> {
    const [head, body] = halvesOf(text);
    return head + (await this.encodeFields(body));
  }

  async decodeRecord(text: string): Promise<string> {
    const [head, body] = halvesOf(text);
    return head + (await this.decodeFields(body));
  }

  #map<T>(fields: Fields, code: (value: unknown) => Promise<T>): Promise<readonly (readonly [string, T])[]> {
    const its = Object.entries(fields).filter(([name]) => FIELDS.has(name));
    return Promise.all(its.map(async ([name, value]) => [name, await code(value)] as const));
  }

  async #encoded(text: string): Promise<string> {
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

  /** `read` throws for a text that cannot have been encoded. */
  async #decoded<T>(encoded: string, read: (text: string) => T): Promise<T> {
    const owner = this.#owner;
    try {
      const decoded: unknown = await this.#inTime(
        this.#codec.decode(Buffer.from(encoded, 'base64'), { owner }),
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

/** The object of a text in which nothing is encoded. Throws CodecError for another. */
export function plainFields(json: string): Fields {
  const fields = JSON.parse(json);
  if (fields.coded !== undefined) throw isEncoded();
  return fields;
}

/** The value of a text that is not encoded. Throws CodecError for another. */
export function plainValue(text: string): unknown {
  if (text.startsWith(MARK)) throw isEncoded();
  return JSON.parse(text);
}

const isEncoded = (): CodecError =>
  new CodecError('What is kept is encoded, and this program cannot decode it. Give it the codec of the app.');

/** A key that is wrong gives bytes all the same if the codec does not authenticate them. */
function readAs<T>(read: (text: string) => T, decoded: unknown): T {
  if (!(decoded instanceof Uint8Array)) throw new TypeError('decode did not give a Uint8Array');
  try {
    return read(Buffer.from(decoded).toString());
  } catch {
    throw new TypeError('decode did not give what encode was given');
  }
}

function json(text: string): string {
  JSON.parse(text);
  return text;
}

function base64(bytes: unknown): string {
  if (bytes instanceof Uint8Array) return Buffer.from(bytes).toString('base64');
  throw new TypeError('encode did not give a Uint8Array');
}

function halvesOf(text: string): readonly [head: string, body: string] {
  const at = text.indexOf('\n') + 1;
  return [text.slice(0, at), text.slice(at)];
}
