/**
 * Vectors of documents that are put with a text only: each is a task in a queue of the user, which is known by its structure.
 *
 * Guarantees: a task names what is to be embedded by its digest, so that adding it twice is one task, and its vectors are written only
 * to a document that says that still, and has none. So a worker that is slow, paused or repeated writes what belongs there, or
 * nothing.
 */
import { createHash } from 'node:crypto';
import { display, MisuseError, throwIfAborted } from '@holdfast/kernel';
import type { Aspect } from '../aspect.js';
import { isObject, numbersOf, vectorBytes } from '../truth/record.js';
import type { Truth } from '../truth/truth.js';
import type { Lineup } from '../truth/verbs.js';
import type { EmbeddingCache } from './cache.js';
import { embedSources } from './contents.js';
import { lookAt, missingOf } from './missing.js';

/** The data of a task. */
export interface EmbeddingTask {
  readonly index: string;
  readonly generation: string;
  /** Of the document. */
  readonly id: string;
  /** What its vectors are to be made of, in hex. */
  readonly digest: string;
}

/** What is used of a queue, such as that of @holdfast/queue. While a task of an id is there, adding it again does nothing. */
export interface EmbeddingQueue {
  add(data: EmbeddingTask, options: { readonly id: string }): Promise<unknown>;
}

/** What is used of a task: of @holdfast/queue, or any of the same structure. */
export interface EmbeddingDelivery {
  readonly data: unknown;
  /** Aborts when another worker may have the task. */
  readonly signal: AbortSignal;
}

/**
 * `written`: it has its vectors now; `there`: it had; `newer`: its text is another one, which has a task of its own; `gone`: it is not
 * there; `dropped`: the generation is not.
 */
export interface Embedded {
  readonly outcome: 'written' | 'there' | 'newer' | 'gone' | 'dropped';
}

export interface EmbeddingParts {
  readonly index: string;
  readonly truth: Truth;
  readonly queue: EmbeddingQueue | undefined;
  readonly cache: EmbeddingCache | undefined;
  readonly open: () => Promise<Lineup>;
  /** Those of a model, if this program has it. */
  readonly aspectsOf: (model: string) => readonly Aspect[] | undefined;
}

/** Documents that are looked at at a time. */
const PAGE = 512;

export class Embedding {
  readonly #parts: EmbeddingParts;

  constructor(parts: EmbeddingParts) {
    this.#parts = parts;
  }

  get hasQueue(): boolean {
    return this.#parts.queue !== undefined;
  }

  /** Adds the task of a document that was put. */
  async add(generation: string, id: string, digest: Buffer): Promise<void> {
    const { index, queue } = this.#parts;
    const hash = createHash('sha256').update(`${index}\0${id}\0`).update(digest).digest('base64url');
    const data = { index, generation, id, digest: digest.toString('hex') };
    await queue?.add(data, { id: `${generation}-${hash}` });
  }

  /** Adds the tasks of all documents that lack the vectors of the live generation: of those whose task was lost. */
  async addMissing(signal: AbortSignal | undefined): Promise<number> {
    const { truth, open, index, queue } = this.#parts;
    if (queue === undefined) throw new MisuseError(`The index "${index}" has no "tasks" in createIndex().`);
    const { live, models } = await open();
    const dimensions = this.#aspects(models.get(live)?.name ?? '').map((each) => each.dimensions);
    let [added, place] = [0, { epoch: '', after: 0 }];
    for (;;) {
      throwIfAborted(signal, 'missing vectors were looked for');
      const page = await truth.changes({ ...place, most: PAGE });
      if (page.word === 'other') {
        place = { epoch: page.epoch, after: 0 };
        continue;
      }
      const last = page.entries.at(-1);
      if (last === undefined) return added;
      const ids = page.entries.map(({ id }) => id);
      const missing = await missingOf(truth, ids, { generation: live, dimensions, now: page.time });
      await Promise.all(missing.map(({ id, digest }) => this.add(live, id, digest)));
      added += missing.length;
      place = { epoch: page.epoch, after: last.sequence };
    }
  }

  /** Handles a task. Tasks that are handled at the same time are embedded in one call, if the embedder joins them. */
  async handle({ data, signal }: EmbeddingDelivery): Promise<Embedded> {
    const { truth, open, cache } = this.#parts;
    const { generation, id, digest } = this.#read(data);
    throwIfAborted(signal, 'a document was embedded');
    const { models, sets: all } = await open();
    const [model, sets = []] = [models.get(generation), all.get(generation)];
    if (model === undefined) return { outcome: 'dropped' };
    const aspects = this.#aspects(model.name);
    const dimensions = aspects.map((each) => each.dimensions);
    // What has expired is left to the script, which knows the time.
    const [found] = await lookAt(truth, [id], { generation, dimensions, now: 0 });
    if (found === undefined || found.state === 'gone') return { outcome: 'gone' };
    if (found.digest.toString('hex') !== digest) return { outcome: 'newer' };
    if (found.state === 'there') return { outcome: 'there' };
    const [vectors = []] = await embedSources([found], { aspects, embed: undefined, cache, signal });
    throwIfAborted(signal, 'a document was embedded');
    const bytes = vectorBytes(found.digest, numbersOf(vectors));
    const write = { builder: undefined, generation, sets, id, digest: found.digest, bytes };
    const { word } = await truth.vector(write);
    if (word === 'stale') throw new Error('a write without a builder was answered with "stale"');
    return { outcome: word };
  }

  /** Throws MisuseError if this program does not have the model. */
  #aspects(model: string): readonly Aspect[] {
    const { index, aspectsOf } = this.#parts;
    const aspects = aspectsOf(model);
    if (aspects) return aspects;
    throw new MisuseError(
      `The index "${index}" has vectors of the model "${model}", which this program does not have: give it as "vectors" or "next" of createIndex().`,
    );
  }

  /** Throws MisuseError for what is no task of this index. */
  #read(data: unknown): EmbeddingTask {
    const { index } = this.#parts;
    const { index: of, generation, id, digest } = isObject(data) ? data : {};
    const isTask = [generation, id, digest].every((each) => typeof each === 'string') && of === index;
    if (isTask) return data as unknown as EmbeddingTask;
    throw new MisuseError(
      `A task of the embedder of the index "${index}" is one that the index has added; got one of ${display(of)}. Give each index a queue of its own.`,
    );
  }
}
