/**
 * The generations of an index: which there are, and the beginning and the end of one.
 *
 * Guarantees: one is built at a time, by the holder of the highest token that has begun it; what is live cannot be retired.
 */
import {
  BusyError,
  display,
  MisuseError,
  readOptions,
  requireClaim,
  type TokenHolder,
  UnavailableError,
} from '@holdfast/kernel';
import { type Aspect, modelOf, setsOf, shapesOf } from '../aspect.js';
import type { EmbeddingCache } from '../embed/cache.js';
import type { Begun, Model } from '../truth/builder-verbs.js';
import type { Truth } from '../truth/truth.js';
import { readAspects } from '../vector-index-options.js';
import { GenerationBuilder } from './builder.js';
import { vectorsOf } from './definition.js';
import { BEGIN, type BeginOptions } from './options.js';
import { dropVectors, throwRefusal } from './retire.js';

export interface Generation {
  /** Its number. */
  readonly generation: string;
  /** The model of its vectors; of several names, "name:model" of each with "+" between. */
  readonly model: string;
  /** `kept`: it was live before, and can be again; `dropping`: it was retired, and some of its vectors are left. */
  readonly state: 'live' | 'building' | 'kept' | 'dropping';
}

export interface GenerationsParts {
  readonly index: string;
  readonly truth: Truth;
  readonly model: Model;
  readonly next: readonly Aspect[] | undefined;
  /** Those of a model, if this program has it. */
  readonly aspectsOf: (model: string) => readonly Aspect[] | undefined;
  readonly cache: EmbeddingCache | undefined;
}

export class Generations {
  readonly #parts: GenerationsParts;

  constructor(parts: GenerationsParts) {
    this.#parts = parts;
  }

  async all(): Promise<readonly Generation[]> {
    const { live, building, dropping, models } = await this.#parts.truth.open(this.#parts.model);
    const stateOf = (generation: string): Generation['state'] => {
      if (generation === live) return 'live';
      return generation === building ? 'building' : 'kept';
    };
    const there = [...models].map(([generation, { name }]) => ({
      ...{ generation, model: name, state: stateOf(generation) },
    }));
    const left = dropping.map((generation) => ({ generation, model: '', state: 'dropping' as const }));
    return [...there, ...left].sort((one, other) => Number(one.generation) - Number(other.generation));
  }

  async begin(options: BeginOptions, holder: TokenHolder): Promise<GenerationBuilder> {
    const { index, truth, model, cache } = this.#parts;
    const { vectors, model: known, embed, batch, replaces } = readOptions('begin', options, BEGIN);
    const { token, issuer } = requireClaim(holder);
    const aspects = known === undefined ? this.#toBegin(vectors, embed) : await this.#known(known, vectors);
    await truth.open(model);
    const of = modelOf(aspects);
    await truth.requireSets(of);
    const reply: Begun = await truth.builder.begin({ token, issuer, replaces, ...of });
    switch (reply.word) {
      case 'begun': {
        const { epoch, generation, through } = reply;
        const claim = { token, issuer, generation, sets: setsOf(of) };
        const isOfNow = through?.epoch === epoch;
        return new GenerationBuilder({
          ...{ index, truth, model, aspects, embed, cache, batch, claim, signal: holder.signal },
          through: isOfNow ? through : undefined,
        });
      }
      case 'busy':
        throw new BusyError(
          `The model "${reply.model}" is being built in the index "${index}". Cut or abandon that first: begin() of that model goes on with it.`,
          { resource: index },
        );
      case 'live':
        throw new MisuseError(
          `The model "${of.name}" of the index "${index}" is live. There is nothing to build.`,
        );
      case 'differs':
        throw new MisuseError(
          `The model "${of.name}" of the index "${index}" has ${reply.definition}, and "vectors" of begin() say ${of.definition}. Give another name for another model, or retire the generation that has this one.`,
        );
      case 'none':
        throw new UnavailableError(
          `The server has forgotten the index "${index}" meanwhile. Nothing was done; try again.`,
          [{ node: truth.address, reason: 'it has no generation' }],
        );
      default:
        return throwRefusal(index, reply, { token, issuer });
    }
  }

  async retire(generation: string, holder: TokenHolder): Promise<void> {
    const { index, truth, model } = this.#parts;
    const { token, issuer } = requireClaim(holder);
    const sets = (await truth.open(model)).sets.get(generation) ?? [];
    const reply = await truth.builder.retire({ token, issuer, generation: String(generation), sets });
    switch (reply.word) {
      case 'retired':
        return dropVectors(truth, generation);
      case 'live':
        throw new MisuseError(
          `The generation ${generation} of the index "${index}" is live; cut another one first.`,
        );
      case 'unknown': {
        const known = (await this.all()).map((each) => each.generation).join(', ');
        throw new MisuseError(
          `The index "${index}" has no generation ${display(generation)}; it has ${known}.`,
        );
      }
      default:
        return throwRefusal(index, reply, { token, issuer });
    }
  }

  /** What is built of a model that may be new. Throws MisuseError. */
  #toBegin(
    vectors: readonly Aspect[] | undefined,
    embed: BeginOptions['embed'] | undefined,
  ): readonly Aspect[] {
    const aspects = vectors ?? this.#parts.next;
    if (aspects === undefined)
      throw new MisuseError(
        'begin() needs the "vectors" of the model that is to be live, or "next" of createIndex().',
      );
    if (!embed && aspects.some(({ embedder }) => embedder === undefined)) {
      throw new MisuseError(
        'begin() needs an "embedder" in its "vectors", or "embed", which makes vectors of documents.',
      );
    }
    return aspects;
  }

  /** What is built of a model that the index has: as it is given, as this program has it, or as Redis knows it. Throws MisuseError. */
  async #known(name: string, vectors: readonly Aspect[] | undefined): Promise<readonly Aspect[]> {
    const { index, truth, model, aspectsOf } = this.#parts;
    const { models } = await truth.open(model);
    const found = [...models.values()].find((each) => each.name === name);
    if (found === undefined) {
      const known = [...models.values()]
        .map((each) => each.name)
        .sort()
        .join(', ');
      throw new MisuseError(`The index "${index}" has no model ${display(name)}; it has ${known}.`);
    }
    if (vectors && modelOf(vectors).name !== name) {
      throw new MisuseError(
        `"vectors" of begin() are of the model "${modelOf(vectors).name}", and "model" is ${display(name)}.`,
      );
    }
    const shapes = Object.fromEntries(shapesOf(found));
    return vectors ?? aspectsOf(name) ?? readAspects('The model', vectorsOf(name, shapes));
  }
}
