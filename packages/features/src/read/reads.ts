/**
 * The calls of a store by which a program reads: what a service serves, its features as numbers, and rows of a view.
 *
 * Guarantees: a call that was under way when the store is closed rejects with AbortedError, and one that comes later with
 * MisuseError. A view or a service that is none of the store is refused before anything is read.
 */
import {
  AbortedError,
  abortSignal,
  display,
  duration,
  flag,
  having,
  MisuseError,
  optional,
  type Readers,
  readOptions,
  type Settings,
  throwIfAborted,
  unlessAborted,
  withDefault,
} from '@holdfast/kernel';
import { type Entity, type Id, idsOf } from '../definition/entity.js';
import type { Registry } from '../definition/registry.js';
import type { Answer, EntityIds, Service } from '../definition/service.js';
import type { Fields, Served } from '../definition/types.js';
import type { View } from '../definition/view.js';
import type { Pin } from '../generation/pins.js';
import { generateBlank } from '../row/generate.js';
import type { Telemetry } from '../telemetry.js';
import { ReadCache } from './cache.js';
import type { Reader } from './reader.js';
import { type AnswerWithMeta, answerOf, eventTime, warm } from './service.js';
import { type FeatureVector, type VectorOptions, vectorPlan } from './vector.js';
import { type NullReason, ViewReader } from './view-reader.js';
import { type Wanted, wantedOf } from './wanted.js';

/** The values of a row by their names, each null if the row is not served. */
export interface ReadRow<Values = Readonly<Record<string, unknown>>> {
  readonly values: Values;
  /** When what the row says was so; null for windows and flags, and for a row that is missing or torn. */
  readonly time: Date | null;
  /** Why the values are null; undefined for a row that is served. */
  readonly reason: NullReason | undefined;
}

/** The request that a service takes. */
type RequestOf<S> = S extends { readonly '~request'?: infer Request } ? Request : undefined;

/** The ids that a service takes. */
type IdsOf<S extends Service> = EntityIds<S['views']>;

export interface GetOptions {
  /** Rejects with AbortedError as soon as it aborts. */
  readonly signal?: AbortSignal;
  /** Answers `{ answer, views }`: beside each answer, age, generation and the reason for each null, by view. Default false. */
  readonly meta?: boolean;
  /**
   * How old what comes from the cache of the service or from a replica may be, in ms, 0 to 3600000; with 0, all comes from the
   * master. Default: the `maxAge` of the cache, the `maxLag` of the replicas.
   */
  readonly fresh?: number;
  /** Adds to `meta`, which it needs, exactly what was read: the place in the log of the partition. Default false. */
  readonly place?: boolean;
  /**
   * Reads rows from a replica where that is not too far behind, and flags, and what is missing there, from the master. Refused for
   * views that are strict. Default false.
   */
  readonly replica?: boolean;
  /** Reads the generations that a pin keeps, as of `store.pin()`, instead of those that are live. */
  readonly pin?: Pin;
}

/** What follows the ids in `get`: the request, if the service takes one, and options. */
type GetRest<S, O> =
  undefined extends RequestOf<S>
    ? [request?: RequestOf<S>, options?: O]
    : [request: RequestOf<S>, options?: O];

const GET = {
  signal: optional(abortSignal),
  meta: withDefault(flag, false),
  place: withDefault(flag, false),
  replica: withDefault(flag, false),
  pin: optional(having<Pin>('extend', 'release')),
  fresh: optional(duration({ max: 3_600_000 })),
} satisfies Readers<GetOptions>;

/** Of a call that takes a signal and nothing else. */
const SIGNAL = { signal: GET.signal };
const ROWS = { signal: GET.signal, replica: GET.replica };

/** What the calls need of their store. */
interface ReadsOptions {
  readonly name: string;
  readonly registry: Registry;
  readonly reader: Reader;
  /** How many there are. */
  readonly partitions: number;
  readonly telemetry: Telemetry;
}

/** The part of a store that reads. */
export class Reads {
  readonly name: string;
  readonly #registry: Registry;
  readonly #reader: Reader;
  readonly #partitions: number;
  readonly #telemetry: Telemetry;
  readonly #caches: ReadonlyMap<Service, ReadCache>;
  readonly #readers = new WeakMap<
    View,
    { readonly reader: ViewReader; readonly blank: () => Record<string, unknown> }
  >();
  #isClosed = false;

  constructor({ name, registry, reader, partitions, telemetry }: ReadsOptions) {
    this.name = name;
    this.#registry = registry;
    this.#reader = reader;
    this.#partitions = partitions;
    this.#telemetry = telemetry;
    this.#caches = new Map(
      [...registry.services.values()].flatMap((each) =>
        each.cache ? [[each, new ReadCache(each.cache)] as const] : [],
      ),
    );
  }

  /**
   * Rows of a view, one for each id. Throws RowError for what cannot be an id; AbortedError, UnavailableError, MisuseError.
   */
  async rows<Name extends string, E extends Entity, F extends Fields>(
    view: View<Name, E, F>,
    ids: readonly Id<E>[],
    options: Pick<GetOptions, 'signal' | 'replica'> = {},
  ): Promise<readonly ReadRow<Served<F>>[]> {
    this.requireKnown(view);
    const { signal, replica } = readOptions('rows()', options, ROWS);
    if (!Array.isArray(ids)) throw new MisuseError(`rows() takes a list of ids; got ${display(ids)}.`);
    const wanted = ids.map((given) => {
      return { view, ...wantedOf(view, idsOf(view.entity, given), this.#partitions) };
    });
    const rows = await this.during(signal, `reading the view "${view.name}"`, () =>
      this.#telemetry.reading({ view: view.name }, ids.length, () => this.#rows(view, wanted, replica)),
    );
    return rows as readonly ReadRow<Served<F>>[];
  }

  async #rows(view: View, wanted: readonly Wanted[], replica: boolean): Promise<readonly ReadRow[]> {
    const { reader, blank } = this.#readerOf(view);
    const all = { views: [view], wanted };
    const found = await this.#reader.find(all, { replica });
    const values = wanted.map(blank);
    return this.#reader.serve(
      all,
      found,
      (serving) => {
        const serve = serving(reader);
        for (const [index, each] of values.entries()) serve(index, each);
      },
      (reasons) =>
        values.map((each, index) => {
          const reason = reasons[index];
          return { values: each, time: eventTime(view, found.rows[index], reason), reason };
        }),
    );
  }

  #readerOf(view: View) {
    const known = this.#readers.get(view);
    if (known !== undefined) return known;
    const reader = new ViewReader(view);
    const made = { reader, blank: generateBlank(reader.names) };
    this.#readers.set(view, made);
    return made;
  }

  /**
   * What a service serves, for each of the ids: the features of its views, null where there is none, and those that are
   * derived. All rows of an entity are of one instant. Throws RowError for what cannot be an id; MisuseError for a request that
   * does not fit; AbortedError; UnavailableError.
   */
  get<S extends Service>(
    service: S,
    ids: readonly IdsOf<S>[],
    ...rest: GetRest<S, GetOptions & { readonly meta?: false }>
  ): Promise<readonly Answer<S>[]>;
  get<S extends Service>(
    service: S,
    ids: readonly IdsOf<S>[],
    ...rest: [request: RequestOf<S>, options: GetOptions & { readonly meta: true }]
  ): Promise<readonly AnswerWithMeta<S>[]>;
  async get(
    service: Service,
    ids: readonly Readonly<Record<string, string>>[],
    request?: unknown,
    options: GetOptions = {},
  ): Promise<readonly object[]> {
    return this.#get('get()', service, ids, { request, options: readOptions('get()', options, GET) });
  }

  /**
   * What `get` answers, as numbers for a model: a `Float64Array`, or a `Float32Array`, with a row of numbers for each id. Booleans
   * are 0 or 1, times are milliseconds since the epoch, and null is `missing`, which is NaN unless `missing` says otherwise. Throws
   * what `get` throws; MisuseError for a feature that is no number.
   */
  vector<S extends Service>(
    service: S,
    ids: readonly IdsOf<S>[],
    ...rest: GetRest<S, VectorOptions & Pick<GetOptions, 'signal' | 'fresh' | 'replica' | 'pin'>>
  ): Promise<FeatureVector>;
  async vector(
    service: Service,
    ids: readonly Readonly<Record<string, string>>[],
    request?: unknown,
    {
      signal,
      fresh,
      replica,
      pin,
      ...options
    }: VectorOptions & Pick<GetOptions, 'signal' | 'fresh' | 'replica' | 'pin'> = {},
  ): Promise<FeatureVector> {
    this.requireService(service);
    const { make } = vectorPlan(service, options);
    const given = readOptions('vector()', { signal, fresh, replica, pin }, GET);
    return make(await this.#get('vector()', service, ids, { request, options: given }));
  }

  /**
   * Reads for the cache of a service what it lacks of these ids, as before the first requests come. What does not fit into the
   * cache is not kept. Throws what `get` throws; MisuseError for a service without a cache.
   */
  async warm<S extends Service>(
    service: S,
    ids: readonly IdsOf<S>[],
    options: Pick<GetOptions, 'signal'> = {},
  ): Promise<void> {
    this.requireService(service);
    const cache = this.#caches.get(service);
    if (cache === undefined)
      throw new MisuseError(`The service "${service.name}" has no cache to warm; give it one: cache: {}.`);
    const { signal } = readOptions('warm()', options, SIGNAL);
    const read = { caller: 'warm()', partitions: this.#partitions, ids, cache, reader: this.#reader };
    await this.during(signal, `warming the service "${service.name}"`, () => warm(service, read));
  }

  async #get(
    caller: string,
    service: Service,
    ids: readonly Readonly<Record<string, string>>[],
    { request, options }: { readonly request: unknown; readonly options: Settings<typeof GET> },
  ): Promise<readonly object[]> {
    this.requireService(service);
    const { signal, meta, place, fresh, replica, pin } = options;
    if (place && !meta) throw new MisuseError('get() answers `place` as a part of `meta`; add meta: true.');
    const [reader, partitions] = [this.#reader, this.#partitions];
    const cache = pin === undefined ? this.#caches.get(service) : undefined;
    const read = { caller, reader, partitions, ids, request, meta, place, cache, fresh, replica, pin };
    return this.during(signal, `reading the service "${service.name}"`, () =>
      this.#telemetry.reading({ service: service.name }, read.ids?.length ?? 0, () =>
        answerOf(service, read),
      ),
    );
  }

  /** Ends with AbortedError as soon as `signal` aborts, and where the store is closed before the work is done. */
  protected async during<T>(
    signal: AbortSignal | undefined,
    doing: string,
    work: () => Promise<T>,
  ): Promise<T> {
    const wasClosed = this.#isClosed;
    try {
      throwIfAborted(signal, doing);
      return await unlessAborted(signal, doing, work());
    } catch (error) {
      // What it would have asked next was refused, as for a call that comes after.
      if (wasClosed || !this.#isClosed || !(error instanceof MisuseError)) throw error;
      throw new AbortedError(`The feature store "${this.name}" was closed while ${doing}.`, 'close');
    }
  }

  protected requireService(service: Service): void {
    const { name, version } = Object(service) as Partial<Service>;
    if (this.#registry.services.get(`${name}@${version}`) === service) return;
    throw new MisuseError(`The service ${display(name)} is none of this store; add it to its services.`);
  }

  protected requireKnown(view: View): void {
    const { name } = Object(view) as Partial<View>;
    if (name !== undefined && this.#registry.views.get(name) === view) return;
    throw new MisuseError(`The view ${display(name)} is none of this store; add it to its views.`);
  }

  /** Calls that come from now on are too late. */
  protected endReads(): void {
    this.#isClosed = true;
    for (const cache of this.#caches.values()) cache.clear();
  }
}
