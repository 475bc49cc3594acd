/**
 * The vectors of one generation in the memory of this process: those of each document are replaced as a whole.
 *
 * Guarantees: a search finds each document at most once, by the nearest of its vectors, in one of its states: all of its
 * vectors are replaced in one turn. There are as many results as wanted, if as many documents match.
 */
import type { Selection } from '../attributes/selection.js';
import { Core } from '../index/core.js';
import type { IndexStats } from '../index/local-index.js';
import type { Vector } from '../index/metric.js';
import { NamedIndex, type NamedOptions, namesOf } from '../index/named-index.js';
import { readVectors } from '../truth/record.js';
import { DocumentEntries } from './document-entries.js';

export interface NearDocument {
  readonly id: string;
  readonly score: number;
  /** Which of its vectors is the nearest, from 0. */
  readonly chunk: number;
}

interface Wanted {
  /** That of the vectors; empty if they have none. */
  readonly name: string;
  readonly most: number;
  readonly minScore: number | undefined;
  /** Which documents may be found; all, if undefined. */
  readonly selected: Selection | undefined;
  /** All documents. */
  readonly all: () => Selection;
}

export interface KeptVectors {
  readonly counts: readonly (readonly [id: string, count: number])[];
  readonly bytes: Promise<Readonly<Record<string, Uint8Array>>>;
}

/** Most results of one search of the local index. */
const MOST = 4_096;

const keyOf = (id: string, chunk: number): string => `${chunk}:${id}`;
const idOf = (key: string): string => key.slice(key.indexOf(':') + 1);

export class GenerationIndex {
  /** Its number. */
  readonly generation: string;
  readonly model: string;
  /** Of the vectors of each name. */
  readonly dimensions: readonly number[];
  /** Of its vectors. */
  readonly names: readonly string[];
  readonly #options: NamedOptions<string>;
  readonly #cores: Map<string, Core>;
  readonly #local: NamedIndex<string>;
  /** The number of each document that has chunks; and, by that, how many. */
  readonly #held = new Map<string, number>();
  readonly #counts: number[] = [];
  /** By name: the entries of the chunks of each document. */
  readonly #entries: ReadonlyMap<string, DocumentEntries>;

  /** With the options of each name. */
  constructor(generation: string, model: string, options: NamedOptions<string>) {
    this.generation = generation;
    this.model = model;
    this.names = namesOf(options);
    this.#options = options;
    this.dimensions = Object.values(options).map(({ dimensions }) => dimensions);
    this.#cores = new Map(Object.entries(options).map(([name, each]) => [name, new Core(each)]));
    this.#local = new NamedIndex(this.#cores);
    this.#entries = new Map(this.names.map((name) => [name, new DocumentEntries()]));
  }

  /** The vectors of each name, if they are made of what `digest` names. */
  read(bytes: Buffer | null, digest: Buffer): readonly (readonly Float32Array[])[] | undefined {
    return readVectors(bytes, digest, this.dimensions);
  }

  /** By name. */
  stats(): Readonly<Record<string, IndexStats>> {
    return this.#local.stats();
  }

  /** The vectors of each name as bytes, and how many chunks each document has, of one moment. */
  kept(): KeptVectors {
    const counts = [...this.#held.keys()].map((id) => [id, this.#countOf(id)] as const);
    return { counts, bytes: this.#local.snapshot() };
  }

  /**
   * Takes up what another one has kept, while it is empty; `numberOf` gives the number of a document, undefined for one that is not
   * there. Throws SnapshotError; nothing is taken up then.
   */
  async restore(
    bytes: ReadonlyMap<string, Uint8Array>,
    counts: readonly (readonly [id: string, count: number])[],
    numberOf: (id: string) => number | undefined,
  ): Promise<void> {
    const restoring = this.names.map(async (name) => {
      const options = this.#options[name] as NamedOptions<string>[string];
      return [name, await Core.restore(bytes.get(name) ?? new Uint8Array(), options)] as const;
    });
    for (const [name, core] of await Promise.all(restoring)) this.#cores.set(name, core);
    for (const [id, count] of counts) {
      const number = numberOf(id);
      if (number !== undefined) this.#note(id, number, count);
    }
  }

  get isTrainingDue(): boolean {
    return Object.values(this.stats()).some((each) => each.isTrainingDue);
  }

  train(signal: AbortSignal): Promise<void> {
    return this.#local.train({ signal });
  }

  /**
   * The document has these vectors of each name, and no others. Throws MisuseError and UnavailableError as the local index does; it
   * then has none.
   */
  replace(
    { id, number }: { readonly id: string; readonly number: number },
    vectors: readonly (readonly Vector[])[],
  ): void {
    const before = this.#countOf(id);
    const count = Math.max(0, ...vectors.map(({ length }) => length));
    try {
      for (let chunk = 0; chunk < count; chunk++) {
        const named = this.names.map((name, at) => [name, vectors[at]?.[chunk]] as const);
        this.#local.put(keyOf(id, chunk), Object.fromEntries(named.filter(([, vector]) => vector)));
      }
      for (let chunk = count; chunk < before; chunk++) this.#local.delete(keyOf(id, chunk));
    } catch (error) {
      this.#hold(id, number, Math.max(before, count));
      this.delete(id);
      throw error;
    }
    if (count === 0) this.#forget(id);
    else this.#note(id, number, count);
  }

  delete(id: string): void {
    const count = this.#countOf(id);
    for (let chunk = 0; chunk < count; chunk++) this.#local.delete(keyOf(id, chunk));
    this.#forget(id);
  }

  /** The documents that are nearest, the best first; of equal scores the lower id first. */
  nearest(vector: Vector, { name, most, minScore, selected, all }: Wanted): NearDocument[] {
    const core = this.#cores.get(name);
    const entries = this.#entries.get(name);
    const found = new Map<string, NearDocument>();
    const numbers: number[] = [];
    let among = selected;
    for (;;) {
      const limit = Math.min(MOST, most);
      const chosen = among && entries?.chosenBy(among);
      const hits = core?.search('', vector, { limit }, chosen) ?? [];
      for (const { id: key, score } of hits) {
        const id = idOf(key);
        const isBelow = minScore !== undefined && score < minScore;
        if (isBelow || found.has(id)) continue;
        found.set(id, { id, score, chunk: Number.parseInt(key, 10) });
        numbers.push(this.#held.get(id)!);
      }
      const isLast = hits.length < limit || (minScore !== undefined && hits.at(-1)!.score < minScore);
      if (found.size >= most || isLast) break;
      // What was found has so many vectors that others did not come up: look among those.
      among = (selected ?? all()).without(numbers);
    }
    const byScore = (one: NearDocument, other: NearDocument): number =>
      other.score - one.score || (one.id < other.id ? -1 : 1);
    return [...found.values()].sort(byScore).slice(0, most);
  }

  #countOf(id: string): number {
    const number = this.#held.get(id);
    return number === undefined ? 0 : this.#counts[number]!;
  }

  #hold(id: string, number: number, count: number): void {
    this.#held.set(id, number);
    while (this.#counts.length < number) this.#counts.push(0);
    this.#counts[number] = count;
  }

  #note(id: string, number: number, count: number): void {
    this.#hold(id, number, count);
    for (const [name, entries] of this.#entries) {
      const core = this.#cores.get(name);
      const all = Array.from({ length: count }, (_, chunk) => core?.entryOf('', keyOf(id, chunk)));
      entries.set(
        number,
        all.filter((entry) => entry !== undefined),
      );
    }
  }

  #forget(id: string): void {
    const number = this.#held.get(id);
    if (number === undefined) return;
    this.#held.delete(id);
    for (const entries of this.#entries.values()) entries.set(number, []);
  }
}
