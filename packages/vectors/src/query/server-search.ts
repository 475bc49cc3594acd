/**
 * Searches of vectors that the server itself searches, joined with the documents that this process knows.
 *
 * The server's answer is of some moment between the question and the next look at the log. What this process has applied since the
 * question counts as it is here, by its vectors, which the follower reads whole meanwhile; all else has not changed since.
 *
 * Guarantees: what is found is what is known here at the moment in which it is told, which is no earlier than the question: each
 * document with the vectors and the attributes of one state, and none is missing because it is written. With a filter, all that is
 * found matches, and there is as much as matches, up to what is wanted: where the nearest do not match, more are asked for; where
 * few documents match, their vectors are read and compared here.
 */

import type { Selection } from '../attributes/selection.js';
import type { Follower } from '../follow/follower.js';
import type { NearDocument } from '../follow/generation-index.js';
import type { Watch } from '../follow/recent-vectors.js';
import type { ServerVectors } from '../follow/server-vectors.js';
import { exactScore, prepareVector, type Vector } from '../index/metric.js';
import { readDocument, readVectors } from '../truth/record.js';
import type { Truth } from '../truth/truth.js';
import type { Condition } from './filter.js';

export interface ServerSearchParts {
  readonly truth: Truth;
  readonly follower: Follower;
}

export interface WantedOfServer {
  readonly vector: Vector;
  /** That of the vectors; empty if they have none. */
  readonly name: string;
  readonly most: number;
  readonly minScore: number | undefined;
  readonly condition: Condition | undefined;
}

/** What the server has answered, at some moment since `watch` began. */
interface Answer {
  readonly watch: Watch;
  /** Of the server that was asked. */
  readonly epoch: string;
  /** The best first. */
  readonly near: readonly NearDocument[];
  /** Whether there is nothing beyond. */
  readonly isAll: boolean;
}

/** Up to so many documents that match are all compared. */
const ALL = 1_000;
/** Documents that are read at a time. */
const PAGE = 256;
/** Beyond what is wanted, for what has just expired or changed. */
const SPARE = 8;
/** By how much more is asked for where too little was found, and most of it. */
const [MORE, MOST_ASKED] = [4, 16_384];

const byScore = (one: NearDocument, other: NearDocument): number =>
  other.score - one.score || (one.id < other.id ? -1 : 1);

/** One search, by the vectors of one name. It is to be closed. */
export class ServerSearch {
  readonly #parts: ServerSearchParts;
  readonly #index: ServerVectors;
  readonly #wanted: WantedOfServer;
  readonly #query: Float32Array;
  /** The place of its set. */
  readonly #at: number;
  #more = 1;
  #answer: Answer | undefined;

  /** Throws MisuseError for a vector that cannot be compared. */
  constructor(parts: ServerSearchParts, index: ServerVectors, wanted: WantedOfServer) {
    this.#parts = parts;
    this.#index = index;
    this.#wanted = wanted;
    this.#at = index.sets.findIndex(({ name }) => name === wanted.name);
    const { dimensions } = index.sets[this.#at]!;
    this.#query = prepareVector(wanted.vector, 'cosine', { dimensions, padded: dimensions }).values;
  }

  /** Asks the server, and applies all that it had then. Throws UnavailableError. */
  async ask(): Promise<void> {
    const { follower } = this.#parts;
    const { recent } = this.#index;
    const { condition, most } = this.#wanted;
    const watch = recent.watch();
    this.close();
    const answer = { watch, epoch: follower.epoch, near: [], isAll: false };
    this.#answer = answer; // closed whatever happens
    const selected = condition && follower.documents.select(condition);
    const part = selected ? Math.max(1, selected.count) / Math.max(1, follower.documents.size) : 1;
    const count = this.#more * (Math.ceil(most / part) + SPARE);
    const isCompared = selected !== undefined && (selected.count <= ALL || count > MOST_ASKED);
    const found = isCompared ? await this.#compared(selected) : await this.#near(count);
    await follower.look();
    if (this.#answer === answer) this.#answer = { ...answer, ...found };
  }

  /**
   * The documents that are nearest, the best first; of equal scores the lower id first: of all, or of those that are selected, as they
   * are here now. Undefined if the server is to be asked again.
   */
  found(selected: Selection | undefined): NearDocument[] | undefined {
    const { most, minScore } = this.#wanted;
    const { follower } = this.#parts;
    if (this.#answer === undefined) return undefined;
    const { watch, epoch, near, isAll } = this.#answer;
    const changed = this.#index.recent.since(watch);
    if (changed === undefined || follower.epoch !== epoch) return undefined;
    const best = new Map<string, NearDocument>();
    const offer = (hit: NearDocument): void => {
      const known = follower.documents.get(hit.id);
      const isLow = hit.score < (minScore ?? hit.score) || hit.score <= (best.get(hit.id)?.score ?? -2);
      if (known && !isLow && (selected === undefined || selected.has(known.number))) best.set(hit.id, hit);
    };
    for (const hit of near) if (!changed.has(hit.id)) offer(hit);
    for (const [id, vectors] of changed) {
      for (const [chunk, each] of (vectors[this.#at] ?? []).entries())
        offer({ id, score: exactScore('cosine', this.#query, each), chunk });
    }
    // What the server has not told is no nearer than the last that it has.
    const bound = isAll ? Number.NEGATIVE_INFINITY : (near.at(-1)?.score ?? 1);
    const hits = [...best.values()].filter(({ score }) => score >= bound).sort(byScore);
    if (isAll || hits.length >= most || bound < (minScore ?? bound)) return hits.slice(0, most);
    this.#more *= MORE;
    return undefined;
  }

  close(): void {
    if (this.#answer) this.#index.recent.end(this.#answer.watch);
    this.#answer = undefined;
  }

  /** The nearest, as the server knows them. */
  async #near(count: number): Promise<Pick<Answer, 'near' | 'isAll'>> {
    const { generation } = this.#index;
    const elements = await this.#parts.truth.near(generation, this.#wanted.name, this.#query, count);
    const near = elements.map(({ element, score }) => ({
      id: element.slice(element.indexOf(':') + 1),
      ...{ score, chunk: Number.parseInt(element, 10) },
    }));
    return { near, isAll: elements.length < count };
  }

  /** All that match, by their vectors. */
  async #compared(selected: Selection): Promise<Pick<Answer, 'near' | 'isAll'>> {
    const { truth, follower } = this.#parts;
    const { generation, dimensions } = this.#index;
    const known = follower.documents.of(selected);
    const near: NearDocument[] = [];
    for (let from = 0; from < known.length; from += PAGE) {
      const ids = known.slice(from, from + PAGE).map(({ id }) => id);
      for (const [at, { document, vectors }] of (await truth.fetch(ids, [generation])).entries()) {
        const digest = document ? readDocument(document)?.digest : undefined;
        const chunks = digest && readVectors(vectors[0] ?? null, digest, dimensions)?.[this.#at];
        for (const [chunk, each] of (chunks ?? []).entries())
          near.push({ id: ids[at]!, score: exactScore('cosine', this.#query, each), chunk });
      }
    }
    return { near, isAll: true };
  }
}
