/**
 * A generation: the vectors of a new model, which are made beside the live ones and go live at once.
 *
 * The builder looks at the log from its beginning, makes the vectors that are missing, and notes how far it has come. A document
 * that is written meanwhile stands in the log again, behind that. So what it has not looked at is counted by the server.
 *
 * Guarantees: it goes live in one step, under the token of the one that has begun it last, and only if no document lacks its
 * vectors. A builder that was replaced changes nothing: each of its steps is refused. One that ends half way leaves everything
 * as it was, and another goes on where it was, or abandons it.
 */
import { MisuseError, readOptions, throwIfAborted, unlessAborted } from '@holdfast/kernel';
import type { Aspect } from '../aspect.js';
import type { EmbeddingCache } from '../embed/cache.js';
import { type EmbedDocuments, embedSources } from '../embed/contents.js';
import { type Missing, missingOf } from '../embed/missing.js';
import type { Model, Refusal, RetireRequest, Through } from '../truth/builder-verbs.js';
import { numbersOf, vectorBytes } from '../truth/record.js';
import type { Truth } from '../truth/truth.js';
import { CUT, type CutOptions, FILL, type FillOptions } from './options.js';
import { dropVectors, throwRefusal } from './retire.js';

export interface Filled {
  /** Documents that got vectors. */
  readonly embedded: number;
  /** Documents that were looked at. */
  readonly seen: number;
}

export type Cut =
  | {
      readonly outcome: 'live';
      /** Searches `after` it use the new vectors. */
      readonly place: string;
    }
  | {
      /** Nothing was changed: documents were written since the filling. */
      readonly outcome: 'behind';
      readonly left: number;
    };

export interface BuilderParts {
  readonly index: string;
  readonly truth: Truth;
  /** That of this program. */
  readonly model: Model;
  readonly aspects: readonly Aspect[];
  readonly embed: EmbedDocuments | undefined;
  readonly cache: EmbeddingCache | undefined;
  /** Most documents of a call of the model. */
  readonly batch: number;
  readonly claim: RetireRequest;
  /** Where the one before has come to. */
  readonly through: Through | undefined;
  readonly signal: AbortSignal;
}

/** Documents that are looked at at a time. */
const PAGE = 512;

export class GenerationBuilder {
  /** The number of the generation. */
  readonly generation: string;
  readonly #parts: BuilderParts;
  #at: Through;

  /** Use begin() of an index. */
  constructor(parts: BuilderParts) {
    this.#parts = parts;
    this.generation = parts.claim.generation;
    this.#at = parts.through ?? { epoch: '', sequence: 0 };
  }

  /**
   * Makes the vectors that are missing, until there are none. Throws StaleTokenError when another one has begun, MisuseError,
   * AbortedError, UnavailableError, and what the model throws; what is done by then counts, and `fill` goes on from there.
   */
  async fill(options: FillOptions = {}): Promise<Filled> {
    const { signal, progress } = readOptions('fill', options, FILL);
    let filled: Filled = { embedded: 0, seen: 0 };
    for (;;) {
      const page = await this.#page(signal);
      if (page === undefined) return filled;
      filled = { embedded: filled.embedded + page.embedded, seen: filled.seen + page.seen };
      progress?.({ ...filled, left: page.left });
    }
  }

  /**
   * Makes the generation live, if no document lacks its vectors, or at most `pending` were written since `fill` has looked. Else it
   * is "behind", and nothing is changed: fill, and cut again. Throws StaleTokenError, MisuseError and UnavailableError; after
   * that it may have been done, and may be called again.
   */
  async cut(options: CutOptions = {}): Promise<Cut> {
    const { pending } = readOptions('cut', options, CUT);
    const { truth, claim } = this.#parts;
    throwIfAborted(this.#parts.signal, 'a generation was cut');
    const reply = await truth.builder.cut({ ...claim, most: pending });
    if (reply.word === 'cut') return { outcome: 'live', place: reply.place };
    if (reply.word === 'behind') return { outcome: 'behind', left: reply.left };
    return this.#refused(reply);
  }

  /** Ends the building, and deletes what was made. Throws as `cut` does. */
  async abandon(): Promise<void> {
    const { truth, claim } = this.#parts;
    const reply = await truth.builder.retire(claim);
    if (reply.word === 'stale' || reply.word === 'foreign') return this.#refused(reply);
    if (reply.word === 'live') {
      throw new MisuseError(
        `The generation ${this.generation} of the index "${this.#parts.index}" is live; it cannot be abandoned. Begin another one, or the one of before.`,
      );
    }
    await dropVectors(truth, this.generation);
  }

  /** A page of the log: undefined if there is none. */
  async #page(
    callers: AbortSignal | undefined,
  ): Promise<{ readonly embedded: number; readonly seen: number; readonly left: number } | undefined> {
    const { truth, claim, signal } = this.#parts;
    for (const each of [signal, callers]) throwIfAborted(each, 'a generation was filled');
    const page = await truth.changes({ epoch: this.#at.epoch, after: this.#at.sequence, most: PAGE });
    if (page.word === 'other') {
      this.#at = { epoch: page.epoch, sequence: 0 };
      return { embedded: 0, seen: 0, left: 0 };
    }
    const last = page.entries.at(-1);
    const ids = page.entries.map(({ id }) => id);
    const dimensions = this.#parts.aspects.map((each) => each.dimensions);
    const lacking = { generation: this.generation, dimensions, now: page.time };
    const missing = await missingOf(truth, ids, lacking);
    let embedded = 0;
    for (let from = 0; from < missing.length; from += this.#parts.batch)
      embedded += await this.#embed(missing.slice(from, from + this.#parts.batch), callers);
    const { epoch, sequence } = this.#at;
    const to = last?.sequence ?? sequence;
    // Also where there is nothing to note: whoever was replaced is told so.
    const reply = await truth.builder.advance({ ...claim, epoch, from: sequence, to });
    if (reply.word === 'stale' || reply.word === 'foreign') return this.#refused(reply);
    // "moved": this call was carried out before, or the same holder fills twice.
    this.#at = reply.word === 'advanced' ? { epoch, sequence: to } : await this.#known();
    if (last === undefined && reply.word === 'advanced') return undefined;
    return { embedded, seen: ids.length, left: page.behind - ids.length };
  }

  async #known(): Promise<Through> {
    const { truth, claim, model } = this.#parts;
    const { models, throughs, epoch } = await truth.open(model);
    if (!models.has(claim.generation)) return this.#refused({ word: 'stale', token: claim.token });
    const through = throughs.get(claim.generation);
    return through?.epoch === epoch ? through : { epoch, sequence: 0 };
  }

  async #embed(missing: readonly Missing[], callers: AbortSignal | undefined): Promise<number> {
    const { truth, aspects, embed, cache, claim, signal } = this.#parts;
    const both = callers ? AbortSignal.any([signal, callers]) : signal;
    const sources = missing.map(({ id, text, attributes }) => ({ id, text, attributes }));
    const work = embedSources(sources, { aspects, embed, cache, signal: both });
    const vectors = await unlessAborted(both, 'a generation was filled', work);
    const verdicts = await Promise.all(
      missing.map(({ id, digest }, at) =>
        truth.vector({
          ...{ builder: claim, generation: this.generation, sets: claim.sets, id, digest },
          bytes: vectorBytes(digest, numbersOf(vectors[at] ?? [])),
        }),
      ),
    );
    for (const verdict of verdicts) {
      if (verdict.word === 'stale') return this.#refused(verdict);
      if (verdict.word === 'dropped') return this.#refused({ word: 'stale', token: claim.token });
    }
    return verdicts.filter(({ word }) => word === 'written').length;
  }

  #refused(refusal: Refusal): never {
    return throwRefusal(this.#parts.index, refusal, this.#parts.claim);
  }
}
