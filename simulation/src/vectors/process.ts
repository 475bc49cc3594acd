/**
 * A process that writes documents of an index, deletes them and searches among them.
 *
 * Guarantees: it uses only what users use. An error that no user should see in a correct deployment is a violation.
 */
import type { TokenHolder } from '@holdfast/kernel';
import type { Document, StoredDocument, Written } from '@holdfast/vectors';
import { Dice } from '../plan/dice.js';
import type { Actor } from '../run/crew.js';
import type { Subject } from '../run/subject.js';
import { BEGINNING, type Machine } from '../world/machine.js';
import type { World } from '../world/world.js';
import { type Question, type Reading, readPlace } from './answers.js';
import { type BuildStep, Builds } from './builds.js';
import type { Holders, IssuerName } from './holders.js';
import { type Found, type Index, modelFor, type Opened, openIndex } from './indexes.js';
import {
  AHEAD,
  type Attributes,
  cosine,
  direction,
  FILTERS,
  type FilterName,
  IDS,
  KINDS,
  type ModelName,
  textOf,
  vectorBy,
  vectorsOf,
  WORDS,
  wordsOf,
} from './names.js';
import type { VectorsOracle } from './oracle.js';
import type { AfterPlan, HolderPlan, TimePlan, VectorsPlan, VectorsStep } from './plan.js';
import type { Exchange } from './sharding.js';
import type { Tasks } from './tasks.js';
import { answeredOf, given, timeOf } from './terms.js';

export interface VectorsProcessOptions {
  readonly world: World<VectorsPlan>;
  readonly subject: Subject;
  readonly oracle: VectorsOracle;
  readonly holders: Holders;
  readonly tasks: Tasks;
  readonly exchange: Exchange;
  readonly place: number;
  readonly life: number;
}

type Step<F> = Extract<VectorsStep, { readonly f: F }>;

export class VectorsProcess implements Actor<VectorsStep> {
  readonly machine: Machine;
  readonly #options: VectorsProcessOptions;
  readonly #opened: Opened;
  readonly #index: Index;
  readonly #builds: Builds | undefined;
  /** The last token that the process was given by each issuer. */
  readonly #kept = new Map<IssuerName, TokenHolder>();
  /** The place of its last write. */
  #own: string | undefined;
  /** The place of its last search. */
  #last: string | undefined;
  /** The same, if no answer may be of an earlier one. */
  #seen: string | undefined;
  #isClosed = false;

  constructor(options: VectorsProcessOptions) {
    const { world, place, life, holders, tasks } = options;
    this.#options = options;
    this.machine = world.start(place, life);
    this.#opened = openIndex({ ...options, machine: this.machine });
    this.#index = this.#opened.index;
    const { single } = this.#opened;
    this.#builds =
      single &&
      new Builds(single, (model) => modelFor(this.machine, model, world.plan.vectors.onServer), {
        ...{ holders, tasks, dice: new Dice(world.plan.seed + 1_000 * place + life) },
        note: (what) => this.#note(what),
      });
  }

  sleep(duration: number): Promise<void> {
    return new Promise((resolve) => {
      this.machine.clock.after(duration, resolve);
    });
  }

  async perform(step: VectorsStep): Promise<void> {
    await this.sleep(step.after);
    try {
      await this.#carryOut(step);
    } catch (error) {
      this.#judge(error);
    }
  }

  /** Until it succeeds. */
  async insist(what: () => Promise<unknown>): Promise<void> {
    while (!this.#isClosed) {
      try {
        await what();
        return;
      } catch (error) {
        this.#judge(error);
        await this.sleep(100);
      }
    }
  }

  /** With all faults healed, workers make all vectors, and a builder those of another model, which goes live. */
  async build(): Promise<void> {
    await this.#builds?.embedAll();
    await this.#builds?.replace();
    await this.#builds?.embedAll();
    this.#options.oracle.generations.judgeWhole();
  }

  /** Writes every document but one, which it deletes, whatever there is. */
  async writeAll(): Promise<void> {
    const [deleted, ...others] = IDS;
    for (const [place, id] of others.entries()) {
      const kind = KINDS[place % KINDS.length] ?? 'a';
      const terms = { id, time: undefined, holder: undefined, ttl: undefined };
      await this.#put({ f: 'put', after: 0, ...terms, chunks: 1 + (place % 2), kind, price: place });
    }
    await this.#delete({ f: 'delete', after: 0, id: deleted, time: undefined, holder: undefined });
  }

  /** Reads all that there is, in every way, after the place of the last write. */
  async readAll(): Promise<void> {
    const read = { after: 0, place: 'any', wait: 5_000 } as const;
    for (const filter of ['all', 'a', 'not a', 'c or dear'] as const) {
      for (const by of ['vector', 'word', 'both'] as const)
        await this.#search({
          f: 'search',
          ...read,
          filter,
          limit: 10,
          by,
          name: by === 'word' ? 'title' : 'body',
        });
      await this.#count({ f: 'count', ...read, filter });
      await this.#scroll({ f: 'scroll', ...read, filter, limit: 3 });
    }
    for (const id of IDS) await this.#get({ f: 'get', ...read, id });
  }

  /** What it knows without asking is all that there is. */
  async readAsItIs(): Promise<void> {
    const { oracle } = this.#options;
    const step = { f: 'search', after: 0, place: undefined, wait: 0, filter: 'all' } as const;
    await this.#search({ ...step, limit: 10, by: 'both', name: 'title' });
    if (!oracle.isLatest(this.#last ?? ''))
      oracle.violate('N3', `it has read up to ${this.#last}, and more was long written`);
    for (const [shard, stats] of this.#opened.stats()) {
      const { documents, behind, unapplied, unreadable, failure } = stats;
      const size = oracle.sizeOf(shard);
      const isWell = documents === size && behind + unapplied + unreadable === 0;
      if (!isWell || failure !== undefined)
        oracle.violate('N3', `of ${size} documents it has ${JSON.stringify(stats)}`);
    }
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#index.close();
  }

  get #hasModels(): boolean {
    return this.#options.world.plan.vectors.hasModels;
  }

  get #hasNames(): boolean {
    return this.#options.world.plan.vectors.hasNames;
  }

  get #hasTexts(): boolean {
    return this.#options.world.plan.vectors.hasTexts;
  }

  #note(what: string): void {
    this.#options.world.note(this.machine.name, what);
  }

  #carryOut(step: VectorsStep): Promise<unknown> {
    switch (step.f) {
      case 'put':
        return this.#put(step);
      case 'patch':
        return this.#patch(step);
      case 'delete':
        return this.#delete(step);
      case 'delete all':
        return this.#deleteAll(step);
      case 'search':
        return this.#search(step);
      case 'get':
        return this.#get(step);
      case 'count':
        return this.#count(step);
      case 'scroll':
        return this.#scroll(step);
      default:
        return this.#builds?.carryOut(step satisfies BuildStep) ?? Promise.resolve();
    }
  }

  async #put({ id, time, ttl, holder, chunks, kind, price }: Step<'put'>): Promise<void> {
    const n = this.#options.oracle.next();
    const attributes: Attributes = {
      n,
      v: n,
      chunks: this.#hasModels ? Math.min(1, chunks) : chunks,
      kind,
      price,
    };
    const options = this.#terms({ time, holder });
    const document = { id, ...this.#contentsOf(attributes), attributes: { ...attributes } };
    const put = () => this.#index.put(document, given({ ...options, ttl }));
    this.#isTold(id, await this.#under(id, options.holder, put), n);
  }

  #contentsOf(attributes: Attributes): Pick<Document, 'vectors' | 'text' | 'terms'> {
    if (this.#hasModels) return attributes.chunks > 0 ? { text: textOf(attributes) } : {};
    const text = this.#hasTexts ? wordsOf(attributes).join(' ') : '';
    const vectors = this.#hasNames
      ? { title: vectorsOf(attributes, 'title'), body: vectorsOf(attributes, 'body') }
      : vectorsOf(attributes, '');
    const terms = Object.fromEntries(text.split(' ').map((word) => [word, 1]));
    return { vectors, ...(text !== '' && { text, terms }) };
  }

  async #patch({ id, time, holder, kind, price }: Step<'patch'>): Promise<void> {
    const { oracle } = this.#options;
    const n = oracle.next();
    const changes = { price, ...(kind !== undefined && { kind }) };
    oracle.patches(n, changes);
    const options = this.#terms({ time, holder });
    const patch = () => this.#index.patch(id, { ...changes, n }, given(options));
    const patched = await this.#under(id, options.holder, patch);
    if (patched.outcome !== 'absent') this.#isTold(id, patched, n);
  }

  async #delete({ id, time, holder }: Step<'delete'>): Promise<void> {
    const options = this.#terms({ time, holder });
    this.#isTold(id, await this.#under(id, options.holder, () => this.#index.delete(id, given(options))));
  }

  async #deleteAll({ filter: name, place, wait }: Step<'delete all'>): Promise<void> {
    const { oracle, holders } = this.#options;
    const { filter, matches } = FILTERS[name];
    const after = this.#placeOf(place);
    const holder = holders.sweep(name);
    oracle.beginsToRead(after, this.#seen);
    const sweep = () => this.#index.deleteAll({ filter, ...given({ after }), wait }, { holder });
    const { deleted, kept } = await this.#seeing(after, () => this.#under(undefined, holder, sweep));
    this.#note(`is told: ${deleted} are deleted, ${kept} kept`);
    oracle.judgeDeletion(after, matches);
  }

  async #search({ filter: name, limit, place, wait, by, name: of }: Step<'search'>): Promise<void> {
    const { oracle } = this.#options;
    const { filter: wanted, matches } = FILTERS[name];
    // Without one, other code finds what is near.
    const filter = name === 'all' && limit < 10 ? undefined : wanted;
    const after = this.#placeOf(place);
    const reading = oracle.beginsToRead(after, this.#seen);
    if (this.#hasModels) return this.#searchByText({ reading, name, limit, after, wait });
    const vector = !this.#hasTexts || by !== 'word' ? direction(reading.began) : undefined;
    const word = this.#hasTexts && by !== 'vector' ? WORDS[reading.began % WORDS.length] : undefined;
    const vectors = vector && this.#hasNames ? { [of]: vector } : undefined;
    // Either finds the documents that have the word.
    const words = reading.began % 2 === 0 ? { text: word } : { terms: word && { [word]: 1 } };
    const asked = given({ vector: vectors ? undefined : vector, vectors, ...words, after, filter });
    const isPartial = this.#options.world.plan.vectors.hasShards && reading.began % 3 === 0;
    const how = { limit, wait, facets: ['kind'], ...(isPartial && { partialAfter: 40 }) };
    const search = () => this.#index.search({ ...asked, ...how });
    const results = await this.#seeing(after, search);
    const question = { matches, limit, near: { vector, word, name: this.#hasNames ? of : '' } } as const;
    if (results.partial) oracle.judgePartial(results.place, results.partial, isPartial);
    this.#judgeResults(reading, question, results);
  }

  /** By what the text means to the model that is live. */
  async #searchByText({
    reading,
    name,
    limit,
    after,
    wait,
  }: Pick<Step<'search'>, 'limit' | 'wait'> & {
    readonly reading: Reading;
    readonly name: FilterName;
    readonly after: string | undefined;
  }): Promise<void> {
    const { filter, matches } = FILTERS[name];
    const text = `q${reading.began}`;
    const asked = { ...given({ after }), filter, limit, wait, facets: ['kind'], deadline: 60_000 };
    const results = await this.#seeing(after, () => this.#index.search({ ...asked, text }));
    const answered = results.hits.map(answeredOf);
    const { generations } = this.#options.oracle;
    const { epoch, sequence } = readPlace(results.place);
    const models = generations.modelsSince(epoch, sequence);
    const fits = (model: ModelName): boolean =>
      answered.every(({ attributes, score = 0 }) =>
        vectorsOf(attributes, model).some(
          (each) => Math.abs(cosine(each, vectorBy(model, text)) - score) < 0.03,
        ),
      );
    const model = models.find(fits);
    if (model === undefined)
      this.#options.oracle.violate(
        'N8',
        `an answer up to ${results.place} is of no model of ${models.join()}`,
      );
    const of = model ?? 'm0';
    const near = { vector: vectorBy(of, text), word: undefined, name: of };
    this.#judgeResults(reading, { matches, limit, near }, results);
  }

  #judgeResults(reading: Reading, question: Question, results: Found): void {
    const { oracle } = this.#options;
    const { limit, matches } = question;
    oracle.answers.judge(reading, question, results.hits.map(answeredOf), results.place);
    for (const kind of KINDS) {
      const count = results.facets['kind']?.find(({ value }) => value === kind)?.count ?? 0;
      const counted = { limit, matches: (of: Attributes) => of.kind === kind && matches(of) };
      oracle.answers.judgeCount(reading, counted, count, results.place);
    }
    this.#last = results.place;
    // Another process may answer for a shard the next time.
    if (!this.#options.world.plan.vectors.hasShards) this.#seen = results.place;
    this.#note(`finds ${results.hits.map(({ id }) => id).join(' ')} up to ${results.place}`);
  }

  async #get({ id, place, wait }: Step<'get'>): Promise<void> {
    const found = await this.#reads(place, { matches: () => true, limit: 1, id }, async (after) => {
      const document = await this.#index.get(id, { ...given({ after }), wait });
      return document ? [document] : [];
    });
    this.#note(`gets ${JSON.stringify(found)}`);
  }

  async #count({ filter: name, place, wait }: Step<'count'>): Promise<void> {
    const { oracle } = this.#options;
    const { filter, matches } = FILTERS[name];
    const after = this.#placeOf(place);
    const reading = oracle.beginsToRead(after, this.#seen);
    const count = await this.#seeing(after, () => this.#index.count({ filter, ...given({ after }), wait }));
    oracle.answers.judgeCount(reading, { matches, limit: IDS.length }, count);
    this.#note(`counts ${count}`);
  }

  async #scroll({ filter: name, limit, place, wait }: Step<'scroll'>): Promise<void> {
    const { filter, matches } = FILTERS[name as FilterName];
    let from: string | undefined;
    do {
      const question = { matches, limit, from, isEnd: false };
      await this.#reads(place, question, async (after) => {
        const { documents, next } = await this.#index.scroll({
          ...{ filter, limit, wait },
          ...given({ from, after }),
        });
        from = next;
        question.isEnd = next === undefined;
        return documents;
      });
    } while (from !== undefined);
  }

  /** Reads documents, and has them judged. */
  async #reads(
    place: AfterPlan,
    question: Question,
    read: (after: string | undefined) => Promise<readonly StoredDocument[]>,
  ): Promise<readonly StoredDocument[]> {
    const { oracle } = this.#options;
    const after = this.#placeOf(place);
    const reading = oracle.beginsToRead(after, this.#seen);
    const documents = await this.#seeing(after, () => read(after));
    oracle.answers.judge(reading, question, documents.map(answeredOf));
    return documents;
  }

  #placeOf(place: AfterPlan): string | undefined {
    return place === 'own' ? this.#own : place && this.#options.oracle.latest;
  }

  #terms({ time, holder }: { readonly time: TimePlan; readonly holder: HolderPlan }): {
    readonly time: number | undefined;
    readonly holder: TokenHolder | undefined;
  } {
    const now = BEGINNING / 1_000 + Math.floor(this.#options.world.scheduler.now / 1_000);
    return { time: time && timeOf(time, now), holder: holder && this.#holder(holder) };
  }

  #holder({ issuer, how }: NonNullable<HolderPlan>): TokenHolder {
    const kept = how === 'kept' ? this.#kept.get(issuer) : undefined;
    const holder = kept ?? this.#options.holders.next(issuer);
    this.#kept.set(issuer, holder);
    return holder;
  }

  #isTold(id: string, written: Written, n?: number): void {
    this.#note(`is told: ${id} ${written.outcome} ${written.place}`);
    this.#options.oracle.isTold(id, written, n);
    if (written.outcome === 'written') this.#own = written.place;
  }

  /** A write under a token: if that is told to be stale, it is. */
  async #under<T>(
    id: string | undefined,
    holder: TokenHolder | undefined,
    write: () => Promise<T>,
  ): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (Object(error).code === 'HOLDFAST_STALE_TOKEN')
        this.#options.oracle.isStale(id, holder?.issuer as IssuerName, holder?.token ?? 0);
      throw error;
    }
  }

  /** A read after a place: if that is told to be lost, it is. */
  async #seeing<T>(after: string | undefined, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if ('place' in Object(error)) this.#lost(after);
      throw error;
    }
  }

  #lost(after: string | undefined): void {
    this.#options.oracle.isLost(after ?? '@0');
    this.#own = undefined;
  }

  #judge(error: unknown): void {
    if (this.#isClosed) return;
    const { code = '', message = String(error) } = Object(error) as { code?: string; message?: string };
    this.#note(`is told: ${message}`);
    const isOvertaken = this.#hasModels && OVERTAKEN.test(message);
    const isMisuse =
      code === 'HOLDFAST_MISUSE' && (isOvertaken || message.includes(`more than ${AHEAD} ms ahead`));
    if (!EXPECTED.includes(code) && !isMisuse) this.#options.oracle.violate('error', String(error));
  }
}

/** What a correct deployment may tell a user who does nothing wrong. */
const EXPECTED = [
  'HOLDFAST_UNAVAILABLE',
  'HOLDFAST_PLACE_LOST',
  'HOLDFAST_STALE_TOKEN',
  'HOLDFAST_ABORTED',
  'HOLDFAST_BUSY',
];
/** And of generations that others have changed meanwhile. */
const OVERTAKEN = /is live|has no generation |which this program does not have/;
