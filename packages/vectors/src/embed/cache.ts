/**
 * Vectors of texts in Redis, by their content: what one worker has made of a text, no other one makes again.
 *
 * Guarantees: a vector is of the text and the model that it is told for, and has the dimensions that are asked for. Where the cache
 * cannot be read or written, texts are embedded as without it.
 */
import { createHash } from 'node:crypto';
import { UnavailableError } from '@holdfast/kernel';
import type { Aspect } from '../aspect.js';
import type { Truth } from '../truth/truth.js';

export interface EmbeddingCacheParts {
  readonly truth: Truth;
  /** How long a vector is kept, in ms. */
  readonly ttl: number;
}

type Embedding = Pick<Aspect, 'model' | 'dimensions'>;

/** Texts that are looked up at a time. */
const AT_ONCE = 256;
const BYTES = 4;

export class EmbeddingCache {
  readonly #parts: EmbeddingCacheParts;

  constructor(parts: EmbeddingCacheParts) {
    this.#parts = parts;
  }

  /** A vector for each text: those that are not kept are made by `embed`, and kept. Throws what that throws. */
  async vectorsOf(
    texts: readonly string[],
    of: Embedding,
    embed: (texts: readonly string[]) => Promise<readonly Float32Array[]>,
  ): Promise<readonly Float32Array[]> {
    const all = [...new Set(texts)];
    const names = all.map((text) => nameOf(text, of));
    const known = new Map<string, Float32Array>();
    for (const [at, vector] of (await this.#read(names, of.dimensions)).entries())
      if (vector) known.set(all[at]!, vector);
    const missing = all.filter((text) => !known.has(text));
    const made = missing.length === 0 ? [] : await embed(missing);
    for (const [at, text] of missing.entries()) known.set(text, made[at]!);
    await this.#keep(
      missing.flatMap((text, at) => (made[at]?.length === of.dimensions ? [nameOf(text, of)] : [])),
      made.filter((vector) => vector.length === of.dimensions),
    );
    return texts.map((text) => known.get(text)!);
  }

  async #read(names: readonly string[], dimensions: number): Promise<readonly (Float32Array | undefined)[]> {
    const found: (Float32Array | undefined)[] = [];
    for (let from = 0; from < names.length; from += AT_ONCE) {
      const some = names.slice(from, from + AT_ONCE);
      const read = await this.#parts.truth.cached(some).catch(leftOut);
      found.push(...some.map((_, at) => vectorIn(read?.[at] ?? null, dimensions)));
    }
    return found;
  }

  async #keep(names: readonly string[], vectors: readonly Float32Array[]): Promise<void> {
    const { truth, ttl } = this.#parts;
    const keeping = names.map((name, at) => truth.cache(name, bytesOf(vectors[at]!), ttl).catch(leftOut));
    await Promise.all(keeping);
  }
}

/** By the dimensions, too: a model may be asked for fewer. */
const nameOf = (text: string, { model, dimensions }: Embedding): string =>
  createHash('sha256').update(`${model}\0${dimensions}\0${text}`).digest('base64url');

function bytesOf(vector: Float32Array): Buffer {
  const bytes = Buffer.allocUnsafe(BYTES * vector.length);
  for (const [at, value] of vector.entries()) bytes.writeFloatLE(value, BYTES * at);
  return bytes;
}

/** Undefined for what no program of ours has written. */
function vectorIn(bytes: Buffer | null, dimensions: number): Float32Array | undefined {
  if (bytes?.length !== BYTES * dimensions) return undefined;
  const vector = Float32Array.from({ length: dimensions }, (_, at) => bytes.readFloatLE(BYTES * at));
  return vector.every(Number.isFinite) ? vector : undefined;
}

/** What cannot be read or written, because the server is away or full, is embedded, or not kept. */
function leftOut(error: unknown): undefined {
  if (error instanceof UnavailableError) return undefined;
  throw error;
}
