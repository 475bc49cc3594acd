/**
 * Documents of an index: written and deleted, and searched after the place of their last write.
 *
 * Complains about a search that misses a write that was acknowledged before it, or finds what was deleted.
 */
import { createIndex } from '@holdfast/vectors';
import { insist, pause } from '../attempts.js';
import type { Stage, Traffic } from './traffic.js';

const INDEX = 'mixed';
const DIMENSIONS = 16;
const DOCUMENTS = 200;
const EVERY = 100;
const SEARCHERS = 2;
/** How long a search waits until its replica has followed to its place, in ms. */
const WAIT = 10_000;

interface Acknowledged {
  /** Undefined where it was deleted. */
  readonly version: number | undefined;
  readonly place: string;
  /** In which the write began. */
  readonly phase: number;
  readonly at: number;
}

export class DocumentTraffic implements Traffic {
  readonly name = 'documents';
  readonly #stage: Stage;
  readonly #documents = new Map<string, Acknowledged>();
  /** Each has one of its own, by which it is found. */
  readonly #vectors = new Map<string, number[]>();
  /** What is being written. */
  #writing = '';
  #written = 0;
  #deleted = 0;
  #searches = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async open(): Promise<void> {
    const index = createIndex({
      ...{ redis: this.#stage.redis, name: INDEX, vectors: { dimensions: DIMENSIONS } },
    });
    for (let document = 0; document < DOCUMENTS; document += 1)
      this.#vectors.set(
        `d${document}`,
        Array.from({ length: DIMENSIONS }, () => this.#stage.unit() - 0.5),
      );
    await index.put({ id: 'first', vector: [...(this.#vectors.get('d0') ?? [])].reverse() });
    await index.close();
  }

  async run(): Promise<void> {
    await Promise.all([this.#write(), ...Array.from({ length: SEARCHERS }, () => this.#search())]);
  }

  async judge(): Promise<Readonly<Record<string, number>>> {
    await Promise.all([...this.#documents].map(([id, known]) => this.#look(id, known)));
    return { written: this.#written, deleted: this.#deleted, searches: this.#searches };
  }

  async #write(): Promise<void> {
    const { client, ending } = this.#stage;
    for (let version = 0; !ending.aborted; version += 1) {
      const id = `d${version % DOCUMENTS}`;
      const isDeleted = version % 7 === 3;
      const body = { vector: this.#vectorOf(id), attributes: { version }, time: Date.now() };
      this.#writing = id;
      const phase = this.#stage.phase();
      const { place = '' } = await insist(() =>
        isDeleted ? client.vectors.delete(INDEX, id) : client.vectors.put(INDEX, id, body),
      );
      const at = performance.now();
      this.#writing = '';
      this.#documents.set(id, { version: isDeleted ? undefined : version, place, phase, at });
      if (isDeleted) this.#deleted += 1;
      else this.#written += 1;
      await pause(EVERY);
    }
  }

  async #search(): Promise<void> {
    const { ending, unit } = this.#stage;
    while (!ending.aborted) {
      const id = `d${Math.floor(unit() * DOCUMENTS)}`;
      const known = this.#documents.get(id);
      if (known !== undefined) await this.#look(id, known);
      await pause(EVERY);
    }
  }

  /** A replica is as far as `place`; where that means nothing any more, it is given the time. */
  async #look(id: string, known: Acknowledged): Promise<void> {
    const { client, complain, phase } = this.#stage;
    const query = { vector: this.#vectorOf(id), limit: 1 };
    const until = performance.now() + WAIT;
    for (;;) {
      const { hits } = await insist(() => {
        const isFollowed = known.place !== '' && known.phase === phase();
        return client.vectors.search(INDEX, {
          ...query,
          ...(isFollowed && { after: known.place, wait: WAIT }),
        });
      });
      this.#searches += 1;
      if (this.#documents.get(id) !== known || this.#writing === id) return; // it was written meanwhile
      const [hit] = hits;
      const found = hit?.id === id ? (hit.attributes as { readonly version: number }).version : undefined;
      if (found === known.version) return;
      if (known.phase === phase() || performance.now() > until) {
        const what = `document ${id} is ${found ?? 'gone'}, not ${known.version ?? 'gone'}`;
        return complain({ what, acknowledged: known.at });
      }
      await pause(EVERY);
    }
  }

  #vectorOf(id: string): readonly number[] {
    return this.#vectors.get(id) ?? [];
  }
}
