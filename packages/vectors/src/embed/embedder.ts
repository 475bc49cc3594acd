/**
 * Texts to vectors, with a cache: equal texts are embedded once, and texts that come at the same time in one call.
 *
 * Guarantees: a vector is of the text that it is told for: the cache is keyed by the digest of model and text. If a call of several
 * texts fails, each is tried alone, so that a text that no model takes fails alone; failures are not cached. A caller that aborts
 * waits no longer; the model's signal is aborted once nobody waits for what was asked.
 */
import { createHash } from 'node:crypto';
import {
  abortSignal,
  type Clock,
  callback,
  display,
  MisuseError,
  optional,
  orSystemClock,
  type Readers,
  readOptions,
  text,
  throwIfAborted,
  unlessAborted,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { type Embed, vectorsFor } from './embed-with.js';

export interface EmbedderOptions {
  readonly embed: Embed;
  /** The name of the model, and of anything else on which vectors depend: vectors of another one are never told. */
  readonly model: string;
  /** How many vectors are kept, those used last, 0 to 1000000. Default 10000. */
  readonly cache?: number;
  /** Most texts of a call, 1 to 10000. Default 64. */
  readonly batch?: number;
  /** Default the system's. */
  readonly clock?: Clock;
}

const EMBEDDER = {
  embed: callback<Embed>('texts and a signal'),
  model: text('the name of the model'),
  cache: withDefault(whole(0, 1_000_000), 10_000),
  batch: withDefault(whole(1, 10_000), 64),
  clock: orSystemClock,
} satisfies Readers<EmbedderOptions>;

/** A text that is to be embedded, or is being embedded. */
interface Wanted {
  readonly key: string;
  readonly text: string;
  readonly vector: Promise<Float32Array>;
  readonly resolve: (vector: Float32Array) => void;
  readonly reject: (error: unknown) => void;
  waiting: number;
  /** Called when nobody waits any more. */
  forsake: () => void;
}

export class Embedder {
  readonly #embed: Embed;
  readonly #model: string;
  readonly #most: number;
  readonly #batch: number;
  readonly #clock: Clock;
  /** The one that was used longest ago first. */
  readonly #cache = new Map<string, Float32Array>();
  readonly #wanted = new Map<string, Wanted>();
  #next: Wanted[] = [];

  /** Throws MisuseError. */
  constructor(options: EmbedderOptions) {
    const { embed, model, cache, batch, clock } = readOptions('createEmbedder', options, EMBEDDER);
    this.#embed = embed;
    this.#model = model;
    this.#most = cache;
    this.#batch = batch;
    this.#clock = clock;
  }

  /**
   * A vector for each text, which is not to be changed. Throws what the model throws, AbortedError, and MisuseError for what is no
   * text and for vectors that are none.
   */
  async embed(
    texts: readonly string[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Float32Array[]> {
    const { signal } = readOptions('embed', options, { signal: optional(abortSignal) });
    const wrong = texts.findIndex((each) => typeof each !== 'string');
    if (wrong >= 0) throw new MisuseError(`embed takes texts; got ${display(texts[wrong])}.`);
    throwIfAborted(signal, 'texts were embedded');
    const all = texts.map((each) => this.#vectorOf(each));
    const mine = all.filter((each): each is Wanted => 'waiting' in each);
    for (const each of mine) each.waiting += 1;
    const vectors = all.map((each) => ('waiting' in each ? each.vector : each));
    try {
      return await unlessAborted(signal, 'texts were embedded', Promise.all(vectors));
    } finally {
      for (const each of mine) {
        each.waiting -= 1;
        if (each.waiting === 0) each.forsake();
      }
    }
  }

  #vectorOf(text: string): Float32Array | Wanted {
    const key = createHash('sha256').update(`${this.#model}\0${text}`).digest('base64');
    const known = this.#cache.get(key);
    if (known !== undefined) {
      this.#cache.delete(key);
      this.#cache.set(key, known);
      return known;
    }
    const wanted = this.#wanted.get(key) ?? newlyWanted(key, text);
    if (this.#wanted.has(key)) return wanted;
    this.#wanted.set(key, wanted);
    this.#next.push(wanted);
    if (this.#next.length === 1) this.#clock.afterInput(() => this.#send());
    return wanted;
  }

  #send(): void {
    const all = this.#next;
    this.#next = [];
    for (let from = 0; from < all.length; from += this.#batch) {
      void this.#call(all.slice(from, from + this.#batch));
    }
  }

  /** Never rejects. */
  async #call(batch: readonly Wanted[]): Promise<void> {
    const ended = new AbortController();
    for (const each of batch) {
      each.forsake = () => {
        if (batch.every(({ waiting }) => waiting === 0))
          ended.abort(new Error('Nobody waits for it any more.'));
      };
    }
    try {
      const texts = batch.map(({ text }) => text);
      const vectors = vectorsFor(texts, await this.#embed(texts, ended.signal)).map(vectorOf);
      batch.forEach((each, at) => {
        this.#keep(each.key, vectors[at]!);
        this.#wanted.delete(each.key);
        each.resolve(vectors[at]!);
      });
    } catch (error) {
      if (batch.length > 1 && !ended.signal.aborted) {
        for (const each of batch) await this.#call([each]);
        return;
      }
      for (const each of batch) {
        this.#wanted.delete(each.key);
        each.reject(error);
      }
    }
  }

  #keep(key: string, vector: Float32Array): void {
    this.#cache.set(key, vector);
    if (this.#cache.size > this.#most) this.#cache.delete(this.#cache.keys().next().value as string);
  }
}

function newlyWanted(key: string, text: string): Wanted {
  let resolve: (vector: Float32Array) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const vector = new Promise<Float32Array>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  vector.catch(() => {}); // whoever still waits is told
  return { key, text, vector, resolve, reject, waiting: 0, forsake: () => {} };
}

function vectorOf(values: ArrayLike<number>): Float32Array {
  const vector = Float32Array.from(values ?? []);
  if (vector.length > 0 && vector.every(Number.isFinite)) return vector;
  throw new MisuseError(`A model gives vectors of finite numbers; got ${display(values)}.`);
}
