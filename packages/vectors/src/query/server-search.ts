/**
 * Searches of vectors that the server itself searches, joined with the documents that this process knows.
 *
 * Guarantees: a document is found with the vectors and the attributes of one of its states, which is no older than the search: what the
 * server had when it was asked is applied here before anything is told, and a document that was written meanwhile is looked for again.
 * With a filter, all that is found matches, and there is as much as matches, up to what is wanted: where the nearest do not match,
 * more are asked for; where few documents match, their vectors are read and compared here. A document that is written all the time
 * may be missing.
 */

import type { Selection } from '../attributes/selection.js';
import type { KnownDocument } from '../follow/documents.js';
import type { Follower } from '../follow/follower.js';
import type { NearDocument } from '../follow/generation-index.js';
import type { ServerVectors } from '../follow/server-vectors.js';
import { exactScore, prepareVector, type Vector } from '../index/metric.js';
import { readDocument, readVectors } from '../truth/record.js';
import type { Truth } from '../truth/truth.js';
import type { Condition } from './filter.js';

/** A document that was found, and what it was then. */
export interface SeenDocument extends NearDocument {
  readonly sequence: number;
}

export interface ServerSearchParts {
  readonly truth: Truth;
  readonly follower: Follower;
}

export interface WantedOfServer {
  /** That of the vectors; empty if they have none. */
  readonly name: string;
  readonly most: number;
  readonly minScore: number | undefined;
  readonly condition: Condition | undefined;
}

/** Up to so many documents that match are all compared. */
const ALL = 1_000;
/** Documents that are read at a time. */
const PAGE = 256;
/** Beyond what is wanted, for what has just expired or changed. */
const SPARE = 8;
/** How often it is asked again because documents change. */
const TRIES = 5;
/** By how much more is asked for where too little was found, and most of it. */
const [MORE, MOST_ASKED] = [4, 16_384];

const byScore = (one: NearDocument, other: NearDocument): number =>
  other.score - one.score || (one.id < other.id ? -1 : 1);

export class ServerSearch {
  readonly #parts: ServerSearchParts;

  constructor(parts: ServerSearchParts) {
    this.#parts = parts;
  }

  /** The documents that are nearest, the best first; of equal scores the lower id first. Throws MisuseError and UnavailableError. */
  async nearest(index: ServerVectors, vector: Vector, wanted: WantedOfServer): Promise<SeenDocument[]> {
    const { follower } = this.#parts;
    const set = index.sets.findIndex(({ name }) => name === wanted.name);
    const { dimensions } = index.sets[set]!;
    const query = prepareVector(vector, 'cosine', { dimensions, padded: dimensions }).values;
    for (let tries = 1, more = 1; ; ) {
      const seen = { epoch: follower.epoch, reached: follower.reached };
      const selected = wanted.condition && follower.documents.select(wanted.condition);
      const part = selected ? Math.max(1, selected.count) / Math.max(1, follower.documents.size) : 1;
      const count = more * (Math.ceil(wanted.most / part) + SPARE);
      const isCompared = selected !== undefined && (selected.count <= ALL || count > MOST_ASKED);
      const found = isCompared
        ? await this.#compared(index, set, query, selected)
        : await this.#asked(index, query, { ...wanted, count });
      await follower.look();
      const isSameEpoch = follower.epoch === seen.epoch;
      const of = { ...wanted, selected: wanted.condition && follower.documents.select(wanted.condition) };
      const { hits, changed, isEnd } = this.#known(found.near, isSameEpoch ? seen.reached : -1, of);
      if (changed > 0 && tries < TRIES) {
        tries += 1;
        continue;
      }
      if (isEnd || found.isAll) return hits.slice(0, wanted.most);
      more *= MORE;
    }
  }

  /** The nearest, as the server knows them. */
  async #asked(index: ServerVectors, query: Float32Array, { name, count }: { name: string; count: number }) {
    const elements = await this.#parts.truth.near(index.generation, name, query, count);
    const near = elements.map(({ element, score }) => ({
      id: element.slice(element.indexOf(':') + 1),
      ...{ score, chunk: Number.parseInt(element, 10) },
    }));
    return { near, isAll: elements.length < count };
  }

  /** All that match, by their vectors. */
  async #compared(index: ServerVectors, set: number, query: Float32Array, selected: Selection) {
    const { truth, follower } = this.#parts;
    const known = follower.documents.of(selected);
    const near: NearDocument[] = [];
    for (let from = 0; from < known.length; from += PAGE) {
      const ids = known.slice(from, from + PAGE).map(({ id }) => id);
      for (const [at, { document, vectors }] of (await truth.fetch(ids, [index.generation])).entries()) {
        const digest = document ? readDocument(document)?.digest : undefined;
        const chunks = digest && readVectors(vectors[0] ?? null, digest, index.dimensions)?.[set];
        for (const [chunk, each] of (chunks ?? []).entries())
          near.push({ id: ids[at]!, score: exactScore('cosine', query, each), chunk });
      }
    }
    return { near: near.sort(byScore), isAll: true };
  }

  /**
   * Those that are there still and match, each by its nearest vector; `changed` of them were written since `reached`,
   * and at the end there is no need to look further.
   */
  #known(
    near: readonly NearDocument[],
    reached: number,
    { most, minScore, selected }: WantedOfServer & { readonly selected: Selection | undefined },
  ): { readonly hits: SeenDocument[]; readonly changed: number; readonly isEnd: boolean } {
    const { documents } = this.#parts.follower;
    const found = new Map<string, SeenDocument>();
    const changed = new Set<string>();
    let isEnd = false;
    for (const each of near) {
      const isBelow = minScore !== undefined && each.score < minScore;
      isEnd = found.size === most || isBelow;
      if (isEnd) break;
      const known: KnownDocument | undefined = documents.get(each.id);
      if (known === undefined || found.has(each.id)) continue;
      if (selected && !selected.has(known.number)) continue;
      if (known.logged > reached) changed.add(each.id);
      else found.set(each.id, { ...each, sequence: known.sequence });
    }
    isEnd ||= found.size === most;
    return { hits: [...found.values()].sort(byScore), changed: changed.size, isEnd };
  }
}
