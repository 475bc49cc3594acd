/**
 * Following an index in Redis: what is written there is applied to the documents and vectors in the memory of this process.
 *
 * The log has each document once, at its last write. So however long this process was away, it reads no more than there is.
 * What it reads of a document may be newer than the log said, and then the log will say so.
 *
 * Guarantees: whoever waits for a place goes on when all that was written up to it is applied. On a server that may have
 * forgotten writes, which has another epoch, all documents are compared: those that it lacks are dropped. A follower that
 * cannot read is only late: it writes nothing but what forgets documents of which nothing is kept.
 */
import { type Clock, HoldfastError, MisuseError, messageOf, UnavailableError } from '@holdfast/kernel';
import { SharedCall } from '@holdfast/redis';
import type { Schema } from '../attributes/columns.js';
import { Slices } from '../index/slices.js';
import type { KeywordIndex } from '../keywords/keyword-index.js';
import type { SparseIndex } from '../keywords/sparse-index.js';
import type { Model } from '../truth/builder-verbs.js';
import { type Body, hasSource, readBody, readDocument } from '../truth/record.js';
import type { Truth } from '../truth/truth.js';
import type { Lineup, OtherEpoch } from '../truth/verbs.js';
import { Documents } from './documents.js';
import { GenerationIndex, type KeptVectors } from './generation-index.js';
import { ServerTime } from './server-time.js';
import { ServerVectors } from './server-vectors.js';
import type { FollowerState, RestoredVectors } from './state.js';
import { replaced } from './words.js';

export interface FollowerParts {
  readonly truth: Truth;
  readonly clock: Clock;
  readonly schema: Schema;
  /** In ms, that deletions are kept. */
  readonly tombstones: number;
  /** The model of this program. */
  readonly model: Model;
  readonly indexOf: (generation: string, model: Model) => Held;
  /** The words of all texts; undefined if they are not searched. */
  readonly keywords: KeywordIndex | undefined;
  /** The weights of all terms; undefined if they are not searched. */
  readonly terms: SparseIndex | undefined;
  /** Told of each epoch after the first. */
  readonly epochBegan?: (epoch: string) => void;
}

/** The vectors of a generation. */
type Held = GenerationIndex | ServerVectors;

/** What was read of the vectors of a document. */
interface ReadVectors {
  readonly index: Held;
  readonly bytes: Buffer | null;
  readonly isWhole: boolean;
}

/** A comparison of all that is known here with all that the server has. */
interface Comparison {
  readonly seen: Set<string>;
  /** What is known with the same sequence, below this one, is the same. */
  readonly since: number;
  /** What had been purged when it began. */
  readonly purged: number;
}

/** Documents that are read at a time. */
const PAGE = 256;
/** In place of the sequence in the log, of a document that is to be read again whatever that is. */
const UNREAD = -1;
/** For so long, in ms, what is kept beyond an expiry may be kept longer than deletions are: see lua/put.lua. */
const LEAST_KEPT = 1_000;
const PURGED_AT_ONCE = 500;

export class Follower {
  readonly documents: Documents;
  readonly time: ServerTime;
  readonly #parts: FollowerParts;
  readonly #looking = new SharedCall(() => this.#catchUp());
  readonly #closing = new AbortController();
  readonly #held = new Map<string, Held>();
  /** Documents of which Redis will soon keep nothing, and when, in ms. */
  readonly #leaving = new Map<string, number>();
  /** Documents whose vectors or words did not fit into the memory. */
  readonly #unapplied = new Set<string>();
  /** Of each generation, the documents that have something to make vectors of, and no vectors of that. */
  readonly #waiting = new Map<string, Set<string>>();
  /** Documents that no program of ours can have written. */
  readonly #unreadable = new Set<string>();
  /** Documents that have expired, which the sets of the server may still have. */
  readonly #expired = new Set<string>();
  #serving: Held | undefined;
  #lineup: Lineup | undefined;
  #epoch = '';
  #after = 0;
  #reached = 0;
  /** Whether the present look has applied all that there was when it last asked. */
  #isWhole = false;
  #behind = 0;
  #comparison: Comparison | undefined;
  /** What is trained or compacted at the moment. */
  readonly #tidying = new Map<object, Promise<void>>();
  #failure: unknown;
  readonly #watchers: (() => void)[] = [];

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.documents = new Documents(parts.schema);
    this.time = new ServerTime(parts.clock);
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** The sequence up to which everything is applied. */
  get reached(): number {
    return this.#reached;
  }

  /** What is applied: searches after it see no less. */
  get place(): string {
    return `${this.#epoch}@${this.#reached}`;
  }

  /** How many documents were written that are not applied. */
  get behind(): number {
    return this.#behind;
  }

  get unapplied(): number {
    return this.#unapplied.size;
  }

  /** How many documents wait for their vectors of the live generation. */
  get waiting(): number {
    return this.#waiting.get(this.#serving?.generation ?? '')?.size ?? 0;
  }

  get unreadable(): number {
    return this.#unreadable.size;
  }

  /** Why it could not read when it last tried; undefined if it could. */
  get failure(): string | undefined {
    return this.#failure === undefined ? undefined : messageOf(this.#failure);
  }

  /** The vectors that are searched; undefined before everything was read once. */
  get serving(): Held | undefined {
    return this.#serving;
  }

  /** Applies all that was written before this was called. Throws UnavailableError and MisuseError. */
  async look(): Promise<void> {
    await this.#looking.ask();
  }

  /** Whether a document waits for its vectors of the live generation. */
  isWaiting(id: string): boolean {
    return this.#waiting.get(this.#serving?.generation ?? '')?.has(id) ?? false;
  }

  /** Resolves when it has looked once more, whoever has asked for it, or is closed. */
  looked(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  /** What it knows at this moment; undefined where that is not whole. */
  kept(): (FollowerState & { readonly place: string; readonly vectors: KeptVectors }) | undefined {
    const index = this.#serving;
    const generation = index?.generation ?? '';
    const model = this.#lineup?.models.get(generation);
    const isWhole = this.#comparison === undefined && this.#unapplied.size === 0;
    if (!(index instanceof GenerationIndex) || model === undefined || !isWhole) return undefined;
    return {
      ...{ epoch: this.#epoch, after: this.#reached, generation, model },
      ...{ place: this.place, vectors: index.kept() },
      ...{ documents: this.documents.of(this.documents.select(undefined)), leaving: [...this.#leaving] },
      ...{ waiting: [...(this.#waiting.get(generation) ?? [])], unreadable: [...this.#unreadable] },
    };
  }

  /**
   * Goes on from what another one knew, as if it had been away since. Only before it has read anything, and while nobody looks. Throws
   * SnapshotError, MisuseError for a model that is not one of this program, and UnavailableError if words cannot be read; it then knows
   * nothing.
   */
  async resume(state: FollowerState, vectors: RestoredVectors): Promise<void> {
    const index = this.#parts.indexOf(state.generation, state.model);
    if (!(index instanceof GenerationIndex)) throw new Error('the server searches these vectors');
    const slices = new Slices(this.#parts.clock);
    const numbers = new Map<string, number>();
    for (const document of state.documents) {
      numbers.set(document.id, this.documents.set(document));
      await slices.next();
    }
    try {
      await index.restore(vectors.bytes, vectors.counts, (id) => numbers.get(id));
      if (this.#parts.keywords ?? this.#parts.terms) await this.#readWords(state.documents);
    } catch (error) {
      for (const id of numbers.keys()) {
        this.documents.delete(id);
        this.#parts.keywords?.delete(id);
        this.#parts.terms?.delete(id);
      }
      this.#unapplied.clear();
      throw error;
    }
    this.#held.set(state.generation, index);
    this.#waiting.set(state.generation, new Set(state.waiting));
    for (const [id, at] of state.leaving) this.#leaving.set(id, at);
    for (const id of state.unreadable) this.#unreadable.add(id);
    [this.#epoch, this.#after] = [state.epoch, state.after];
  }

  /** Removes what has expired. */
  expire(): void {
    for (const id of this.documents.expire(this.time.now())) {
      this.#removeContents(id);
      if (this.#lineup && this.#lineup.sets.size > 0) this.#expired.add(id);
    }
  }

  /** Forgets, in Redis, the documents of which it keeps nothing. */
  async purge(): Promise<void> {
    const now = this.time.now();
    const gone = [...this.#leaving].flatMap(([id, at]) => (at < now ? [id] : []));
    const due = [...new Set([...gone, ...this.#expired])];
    for (let from = 0; from < due.length; from += PURGED_AT_ONCE) {
      const ids = due.slice(from, from + PURGED_AT_ONCE);
      const sets = this.#lineup?.sets ?? new Map();
      await this.#parts.truth.purge({ ids, generations: this.#generations, sets });
      for (const id of ids) this.#expired.delete(id);
      for (const id of ids) if ((this.#leaving.get(id) ?? now) < now) this.#leaving.delete(id);
    }
  }

  /** All of which Redis may have vectors. */
  get #generations(): readonly string[] {
    const { models, dropping } = this.#lineup ?? {};
    return [...(models?.keys() ?? []), ...(dropping ?? [])];
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake();
    await Promise.all(this.#tidying.values());
  }

  #wake(): void {
    for (const resolve of this.#watchers.splice(0)) resolve();
  }

  async #catchUp(): Promise<void> {
    this.#isWhole = false;
    try {
      if (this.#lineup === undefined) await this.#parts.truth.requireSets(this.#parts.model);
      while (!(await this.#read()));
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    this.#wake();
    this.#tidy();
  }

  /**
   * Reads and applies a page. True if all was applied that there was at the page before: what is written meanwhile is left to the next
   * look, which else would have no end where others write all the time.
   */
  async #read(): Promise<boolean> {
    const { truth, clock } = this.#parts;
    const sent = clock.now();
    const page = await truth.changes({ epoch: this.#epoch, after: this.#after, most: PAGE });
    this.time.note(sent, page.time);
    if (page.word === 'other') {
      this.#compareWith(page);
      return false;
    }
    if (page.n !== this.#lineup?.n) {
      await this.#open();
      return false;
    }
    // What was read before this answer was read in this epoch. A place behind a cut is of what that has made live.
    if (!this.#comparison && this.#serving?.generation === this.#lineup.live) this.#reached = this.#after;
    const begun = this.#comparison?.purged ?? 0;
    if (this.#after < page.purged && begun < page.purged) {
      // Something may have been purged whose deletion was not read.
      this.#compare({ since: this.#comparison?.since ?? Number.POSITIVE_INFINITY, purged: page.purged });
      return false;
    }
    const last = page.entries.at(-1);
    if (last && !this.#isWhole) {
      await this.#apply(page.entries);
      // A page that is not full has everything above the place, wherever hot documents have moved to.
      this.#isWhole = page.entries.length < PAGE;
      this.#after = this.#isWhole ? Math.max(last.sequence, page.last) : last.sequence;
      this.#behind = page.behind - page.entries.length;
      return false;
    }
    if (this.#comparison) await this.#dropUnseen(this.#comparison);
    this.#comparison = undefined;
    if (!last) this.#after = Math.max(this.#after, page.last);
    this.#reached = this.#after;
    this.#behind = page.behind;
    this.#serve();
    return true;
  }

  #compareWith({ epoch, since }: OtherEpoch): void {
    if (this.#epoch !== '') this.#parts.epochBegan?.(epoch);
    this.#epoch = epoch;
    this.#lineup = undefined;
    this.#reached = 0;
    this.#compare({ since, purged: 0 });
  }

  #compare(how: { readonly since: number; readonly purged: number }): void {
    this.#comparison = { seen: new Set(), ...how };
    this.#isWhole = false;
    this.#after = 0;
  }

  /** Learns which generations there are, and holds the vectors of the live one and of the one that is being built. */
  async #open(): Promise<void> {
    const { truth, model, indexOf } = this.#parts;
    const lineup = await truth.open(model);
    this.#lineup = lineup;
    this.#isWhole = false; // for what these generations have
    for (const generation of [lineup.live, lineup.building]) {
      const of = lineup.models.get(generation);
      if (of === undefined || this.#held.has(generation)) continue;
      this.#held.set(generation, indexOf(generation, of));
      this.#waiting.set(generation, new Set());
      // Of one that has begun after all that was read here, all that there is comes later in the log.
      const isNew = !this.#comparison && Number(generation) > this.#after;
      if (!isNew) this.#compare({ since: 0, purged: this.#comparison?.purged ?? 0 });
    }
  }

  /** Everything is applied: the live generation is searched from now on. */
  #serve(): void {
    const { live = '', building } = this.#lineup ?? {};
    this.#serving = this.#held.get(live);
    for (const generation of this.#held.keys()) {
      if (generation === live || generation === building) continue;
      this.#held.delete(generation);
      this.#waiting.delete(generation);
    }
  }

  async #apply(entries: readonly { readonly id: string; readonly sequence: number }[]): Promise<void> {
    const comparison = this.#comparison;
    const wanted: { readonly id: string; readonly sequence: number }[] = [];
    for (const { id, sequence } of entries) {
      comparison?.seen.add(id);
      const isSame = this.documents.get(id)?.logged === sequence && sequence < (comparison?.since ?? 0);
      if (!isSame) wanted.push({ id, sequence });
    }
    const generations = [...this.#held.values()].map((index) => ({
      index,
      bytes: index instanceof ServerVectors ? index.wantedBytes : undefined,
    }));
    const found = await this.#fetch(
      wanted.map(({ id }) => id),
      generations,
    );
    const slices = new Slices(this.#parts.clock);
    for (const [at, entry] of wanted.entries()) {
      const { document = null, vectors = [] } = found[at] ?? {};
      const all = generations.map(({ index, bytes }, of): ReadVectors => {
        return { index, bytes: vectors[of] ?? null, isWhole: bytes === undefined };
      });
      this.#applyOne(entry, document, all);
      await slices.next();
    }
  }

  async #fetch(
    ids: readonly string[],
    wanted: readonly { readonly index: Held; readonly bytes: number | undefined }[],
  ) {
    const { truth } = this.#parts;
    const generations = wanted.map(({ index, bytes }) => ({ generation: index.generation, bytes }));
    if (wanted.some(({ bytes }) => bytes !== undefined)) return truth.glance({ ids, generations });
    return truth.fetch(
      ids,
      generations.map(({ generation }) => generation),
    );
  }

  #applyOne(
    { id, sequence: logged }: { readonly id: string; readonly sequence: number },
    bytes: Buffer | null,
    all: readonly ReadVectors[],
  ): void {
    const document = bytes === null ? undefined : readDocument(bytes);
    const body = document && !document.isDeletion ? readBody(document.body) : undefined;
    this.#leaving.delete(id);
    this.#unreadable.delete(id);
    if (document === undefined || body === undefined) {
      this.#remove(id);
      const isLegible = bytes === null || document?.isDeletion;
      if (isLegible) this.#leaving.set(id, document?.expiry ?? 0);
      else this.#unreadable.add(id);
      return;
    }
    const { sequence, expiry, time, digest } = document;
    if (expiry > 0) this.#leaving.set(id, expiry + this.#parts.tombstones + LEAST_KEPT);
    const { attributes } = body;
    const number = this.documents.set({ id, sequence, logged, expiry, time, attributes });
    this.#unapplied.delete(id);
    for (const { index, bytes: read, isWhole } of all) {
      const vectors = index.read(read, digest, isWhole);
      const waiting = this.#waiting.get(index.generation);
      if (vectors === undefined && hasSource(document)) waiting?.add(id);
      else waiting?.delete(id);
      this.#take(id, () => index.replace({ id, number }, vectors ?? []));
    }
    this.#replaceWords(id, body);
  }

  /** The words of documents that are as they are known. What has changed since comes by the log, or by a comparison. */
  async #readWords(known: FollowerState['documents']): Promise<void> {
    const slices = new Slices(this.#parts.clock);
    for (let from = 0; from < known.length; from += PAGE) {
      const page = known.slice(from, from + PAGE);
      const found = await this.#parts.truth.fetch(
        page.map(({ id }) => id),
        [],
      );
      for (const [at, each] of page.entries()) {
        const bytes = found[at]?.document;
        const document = bytes ? readDocument(bytes) : undefined;
        if (document?.sequence === each.sequence) this.#replaceWords(each.id, readBody(document.body));
        else this.documents.set({ ...each, logged: UNREAD });
        await slices.next();
      }
    }
  }

  #replaceWords(id: string, { text, terms }: Partial<Body> = {}): void {
    const { keywords, terms: weights } = this.#parts;
    if (keywords) this.#take(id, () => replaced(keywords, id, text));
    if (weights) this.#take(id, () => replaced(weights, id, terms));
  }

  #take(id: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof UnavailableError) this.#unapplied.add(id);
      else if (error instanceof MisuseError) this.#unreadable.add(id);
      else throw error;
    }
  }

  #remove(id: string): void {
    this.documents.delete(id);
    this.#removeContents(id);
  }

  #removeContents(id: string): void {
    this.#unapplied.delete(id);
    for (const waiting of this.#waiting.values()) waiting.delete(id);
    for (const index of this.#held.values()) index.delete(id);
    this.#parts.keywords?.delete(id);
    this.#parts.terms?.delete(id);
  }

  async #dropUnseen({ seen }: Comparison): Promise<void> {
    const slices = new Slices(this.#parts.clock);
    for (const id of [...this.documents.ids()]) {
      if (!seen.has(id)) this.#remove(id);
      await slices.next();
    }
  }

  /** Trains and compacts what has changed much, beside everything else. */
  #tidy(): void {
    const { signal } = this.#closing;
    const { keywords, terms } = this.#parts;
    const index = this.#serving;
    if (index?.isTrainingDue) this.#inBackground(index, () => index.train(signal));
    for (const words of [keywords, terms])
      if (words?.stats().isCompactionDue) this.#inBackground(words, () => words.compact({ signal }));
  }

  #inBackground(thing: object, work: () => Promise<void>): void {
    if (this.#tidying.has(thing) || this.#closing.signal.aborted) return;
    const done = work()
      .catch((error: unknown) => {
        if (!(error instanceof HoldfastError)) throw error; // aborted, or without memory: it is searched as it is
      })
      .finally(() => this.#tidying.delete(thing));
    this.#tidying.set(thing, done);
  }
}
