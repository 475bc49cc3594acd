/**
 * A feature store. The main path: `createFeatures` with the definitions, `apply()` once for each deployment, `open` a lane
 * under a lease and `land` rows in it, and `get` what a service serves.
 *
 * Guarantees: nothing connects before the first call. Everything that a store holds ends with `close`.
 */
import type { ConnectionOptions } from 'node:tls';
import {
  type Clock,
  display,
  flag,
  group,
  having,
  MisuseError,
  optional,
  orSystemClock,
  orSystemRandom,
  passedOn,
  type Random,
  type Readers,
  readOptions,
  requireClaim,
  type TokenClaim,
  withDefault,
} from '@holdfast/kernel';
import type { NodeSource } from '@holdfast/redis';
import type { Entity } from './definition/entity.js';
import { type FlagsView, isFlags } from './definition/flags.js';
import { type Registry, registryOf } from './definition/registry.js';
import type { Service } from './definition/service.js';
import type { Fields } from './definition/types.js';
import type { RowView, View } from './definition/view.js';
import type { WindowFields, WindowsView } from './definition/windows.js';
import {
  BEGIN,
  type BeginOptions,
  type CutTogetherOptions,
  Generation,
  type GenerationParts,
} from './generation/generation.js';
import { type GenerationInfo, printGeneration, readLineup } from './generation/info.js';
import { Pin, type PinOptions } from './generation/pins.js';
import { type RollbackOptions, type RolledBack, rollBack } from './generation/rollback.js';
import { sweep } from './generation/sweep.js';
import { COPY, Copy, type CopyOptions } from './lane/copy.js';
import { badFlagsOf, type FlagRow, flagEncoderOf } from './lane/flag-row.js';
import type { StopOptions } from './lane/follow.js';
import type { FollowStats } from './lane/following.js';
import type { Lane } from './lane/lane.js';
import {
  type LaneOpenOptions,
  type LanePlace,
  openLane,
  openWindowsLane,
  type RowLaneOpenOptions,
} from './lane/open.js';
import { badTimeOf, encoderOf, type LaneRow } from './lane/row.js';
import type { WindowsLane } from './lane/windows-lane.js';
import {
  type EraseOptions,
  type ErasureReport,
  eraseEntity,
  erasingOf,
  restoreEntity,
} from './offline/erase.js';
import { EXPORTER, Exporter, type ExporterOptions } from './offline/exporter.js';
import { partsOf, registerParts } from './offline/parts.js';
import { STORE, type StoreOptions, type StoreSettings } from './options.js';
import { Fetcher } from './read/fetch.js';
import { PointerLease } from './read/pointer.js';
import { Reader } from './read/reader.js';
import { Reads } from './read/reads.js';
import {
  REPLICAS,
  type ReplicaOptions,
  type ReplicaPlace,
  Replicas,
  requireReplicas,
} from './read/replicas.js';
import { Catalog } from './store/catalog.js';
import {
  DEAD_LETTERS,
  type DeadLetter,
  type DeadLettersOptions,
  readDeadLetters,
} from './store/dead-letters.js';
import {
  type Applied,
  applyAll,
  Definitions,
  nextDefinition,
  notApplied,
  type ServiceVersion,
  serviceVersions,
} from './store/definitions.js';
import { readHealth, type StoreHealth } from './store/health.js';
import { dropOld, Keeping } from './store/keep.js';
import { LANES, type LaneInfo, type LanesOptions, readLanes } from './store/lane-info.js';
import { readRegistered } from './store/open.js';
import { Partition, type StorePlace } from './store/partition.js';
import { readStats, type StoreStats } from './store/stats.js';
import { Telemetry } from './telemetry.js';

export interface FeaturesOptions extends StoreOptions {
  /** The Redis of the store: a URL, or your own ioredis or node-redis client. */
  readonly redis: NodeSource;
  /** The views, each once. */
  readonly views: readonly View[];
  /** The services that are read, whose views are among those. Default: none. */
  readonly services?: readonly Service[];
  /** Replicas from which `get` and `rows` read where they are told to by `replica: true`. Default: none. */
  readonly replicas?: ReplicaOptions;
  /** TLS settings for a `rediss://` URL. */
  readonly tls?: ConnectionOptions;
  /** The clock; tests and simulations pass their own. Default: the system's. */
  readonly clock?: Clock;
  /** The source of randomness; tests and simulations pass their own. Default: the system's. */
  readonly random?: Random;
}

const FEATURES = {
  ...STORE,
  redis: passedOn<NodeSource>(),
  views: passedOn<readonly View[]>(),
  services: withDefault(passedOn<readonly Service[]>(), []),
  replicas: optional(group(REPLICAS)),
  tls: optional(having<ConnectionOptions>()),
  clock: orSystemClock,
  random: orSystemRandom,
} satisfies Readers<FeaturesOptions>;

const APPLY = { force: withDefault(flag, false) };

/** A store of features, not connected yet. Throws MisuseError. */
export function createFeatures(options: FeaturesOptions): Features {
  const settings = readOptions('A feature store', options, FEATURES);
  const { redis, views, services, replicas, tls, clock, random, name, prefix, callTimeout } = settings;
  const place = { redis, tls, name, prefix, callTimeout, clock, random };
  const from = replicas && {
    sources: requireReplicas(redis, replicas.redis),
    maxLag: replicas.maxLag,
  };
  return new Features(place, settings, registryOf(views, services), from);
}

/** A lane of any kind. */
interface OpenLane {
  readonly signal: AbortSignal;
  stats(): FollowStats;
  close(options?: StopOptions): Promise<void>;
}

export type OpenFeaturesOptions = Omit<FeaturesOptions, 'views' | 'services' | 'partitions'>;

const { views: _, services: __, partitions: ___, ...OPENED } = FEATURES;

/**
 * A store by its name, with what its catalog has registered, for programs without its definitions: they read rows and services
 * that derive nothing, land rows, and operate it. Throws MisuseError if there is no such store, UnavailableError.
 */
export async function openFeatures(options: OpenFeaturesOptions): Promise<Features> {
  const read = readOptions('A feature store', options, OPENED);
  const { redis, tls, name, prefix, callTimeout, clock, random } = read;
  const registered = await readRegistered({ redis, tls, name, prefix, callTimeout, clock, random });
  return createFeatures({ ...options, ...registered });
}

const isWindows = (view: View): view is WindowsView => view.kind === 'windows';

export class Features extends Reads {
  readonly #settings: StoreSettings;
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #telemetry: Telemetry;
  readonly #partitions: readonly Partition[];
  readonly #catalog: Catalog;
  readonly #definitions: Definitions;
  readonly #pointers: PointerLease;
  readonly #replicas: Replicas | undefined;
  /** Those that are open, with their views. */
  readonly #lanes = new Map<OpenLane, string>();
  readonly #copies = new Set<Copy>();
  readonly #keeping: Keeping;

  /** Use createFeatures(). */
  constructor(place: StorePlace, settings: StoreSettings, registry: Registry, from?: ReplicaPlace) {
    const { name, prefix } = settings;
    const { clock } = place;
    const telemetry = new Telemetry(name, clock);
    const partitions = Array.from({ length: settings.partitions }, (_, n) => new Partition(place, n));
    const catalog = new Catalog(place, partitions);
    const definitions = new Definitions(catalog);
    const pointers = new PointerLease(catalog, [...registry.views.keys()], { store: name, clock });
    const fetcher = new Fetcher(place.redis, partitions);
    const replicas = from && new Replicas(place, from, partitions, fetcher);
    const reader = new Reader({ pointers, definitions, partitions, telemetry, clock, fetcher, replicas });
    super({ name, registry, reader, partitions: partitions.length, telemetry });
    this.#settings = settings;
    this.#registry = registry;
    this.#clock = clock;
    this.#random = place.random;
    this.#telemetry = telemetry;
    this.#partitions = partitions;
    this.#catalog = catalog;
    this.#definitions = definitions;
    this.#pointers = pointers;
    this.#replicas = replicas;
    this.#keeping = new Keeping(clock, () => dropOld(catalog, partitions));
    registerParts(this, { name, prefix, catalog, partitions, definitions, telemetry, clock });
  }

  /**
   * Registers the definitions of this program, and says what differed. Rows that are stored are then read by the new ones.
   * `force` allows a change after which values that are served now are served no longer, such as a shorter TTL. Throws
   * DefinitionMismatchError for a change that stored rows cannot follow, and for a service that is registered otherwise under
   * its version; UnavailableError. All is registered, or nothing.
   */
  async apply(options: { readonly force?: boolean } = {}): Promise<Applied> {
    const read = readOptions('apply()', options, APPLY);
    const { views, services } = this.#registry;
    const all = { views: [...views.values()], services: [...services.values()] };
    const applied = await applyAll(this.#catalog, all, read);
    this.#pointers.drop();
    return applied;
  }

  /**
   * Every version of every service that programs have applied, by name and version: several are served side by side while a
   * deployment goes from one to the next. Throws UnavailableError; MisuseError if a newer program has registered one.
   */
  services(): Promise<readonly ServiceVersion[]> {
    return serviceVersions(this.#catalog);
  }

  /**
   * Opens a lane of a view for a holder: every holder of a lower token lands nothing in it from then on. Throws
   * StaleTokenError if a higher token has opened it, IssuerMismatchError if tokens of another issuer did, MisuseError,
   * UnavailableError.
   */
  open<E extends Entity, F extends Fields>(
    view: RowView<string, E, F>,
    options: RowLaneOpenOptions,
  ): Promise<Lane<LaneRow<E, F>>>;
  /** Flags have no event time: what arrives last counts. */
  open<E extends Entity, Flag extends string>(
    view: FlagsView<string, E, Flag>,
    options: RowLaneOpenOptions,
  ): Promise<Lane<FlagRow<E, Flag>>>;
  /** Windows count the events of a source that the lane follows. */
  open(view: WindowsView<string, Entity, WindowFields>, options: LaneOpenOptions): Promise<WindowsLane>;
  async open(view: View, options: RowLaneOpenOptions): Promise<OpenLane> {
    this.requireKnown(view);
    this.#pointers.drop();
    const { views } = await this.#pointers.get();
    const pointer = views.get(view.name);
    if (pointer === undefined) throw notApplied(view.name);
    const generation = options?.generation?.id ?? pointer.live;
    const filled = await this.#definitions.ofGeneration(view.name, generation);
    const live =
      this.#definitions.known(view.name, pointer) ?? (await this.#definitions.fetchFor(view.name, pointer));
    const [catalog, partitions, clock] = [this.#catalog, this.#partitions, this.#clock];
    const telemetry = this.#telemetry;
    const random = this.#random;
    const place = { stored: filled ?? live, live: generation, catalog, partitions, clock, random, telemetry };
    const lane = await this.#openOn(view, place, options);
    this.#lanes.set(lane, view.name);
    if (view.keep !== undefined) this.#keeping.begin();
    lane.signal.addEventListener('abort', () => this.#lanes.delete(lane), { once: true });
    return lane;
  }

  #openOn(view: View, place: Omit<LanePlace, 'view'>, options: LaneOpenOptions) {
    if (isWindows(view)) return openWindowsLane({ ...place, view }, options);
    const { stored, partitions } = place;
    const { ahead } = this.#settings;
    if (isFlags(view)) {
      const encode = flagEncoderOf(view, partitions.length);
      const making = { verb: 'flag', ahead, encoder: () => encode, badTime: badFlagsOf(view.name) } as const;
      return openLane<FlagRow<Entity, string>>({ ...place, view }, making, options);
    }
    return openLane<LaneRow<Entity, Fields>>(
      { ...place, view },
      {
        verb: 'land',
        ahead,
        encoder: (schema) => encoderOf(view, schema, { stored, partitions: partitions.length }),
        badTime: badTimeOf(view, ahead),
      },
      options,
    );
  }

  /**
   * Copies the rows of a lane of the generation that is read into another one, for a lane whose rows cannot be landed once more:
   * those that are there, and those that are accepted until it is closed. Close it once programs land their rows in the new
   * generation. All programs that land in the lane must keep the history of the view. Throws StaleTokenError,
   * IssuerMismatchError, GenerationEndedError, MisuseError for windows, flags and what cannot be copied, UnavailableError.
   */
  async copy<E extends Entity, F extends Fields>(
    view: RowView<string, E, F>,
    options: CopyOptions<E, F>,
  ): Promise<Copy> {
    this.requireKnown(view);
    if (view.kind !== 'rows') {
      throw new MisuseError(
        `"${view.name}" is a view of ${display(view.kind)}, of which nothing can be copied; fill the generation by lanes that follow the same source.`,
      );
    }
    const read = readOptions('copy()', options as unknown as CopyOptions<Entity, Fields>, COPY);
    const live = (await this.#catalog.pointers([view.name]))?.views.get(view.name)?.live;
    if (live === undefined) throw notApplied(view.name);
    const from = await this.#definitions.of(view.name, live);
    const stored = await this.#definitions.of(view.name, read.generation.id);
    const copy = await Copy.begin({
      ...{ ...read, view, live, from, stored, ahead: this.#settings.ahead },
      ...{ catalog: this.#catalog, definitions: this.#definitions, partitions: this.#partitions },
      ...{ clock: this.#clock, random: this.#random, telemetry: this.#telemetry },
    });
    this.#copies.add(copy);
    copy.signal.addEventListener('abort', () => this.#copies.delete(copy), { once: true });
    return copy;
  }

  /**
   * The latest records that lanes of a view could not read or store, the latest first: up to `most`, 1 to 10000, default 100;
   * of one lane, if it is named. Throws MisuseError, UnavailableError.
   */
  async deadLetters(view: View, options: DeadLettersOptions = {}): Promise<readonly DeadLetter[]> {
    this.requireKnown(view);
    return readDeadLetters(this.#partitions, view.name, readOptions('deadLetters()', options, DEAD_LETTERS));
  }

  /**
   * Begins a generation of a view, which is filled beside the one that is read, by lanes that are opened on it; the definition
   * may differ from the registered one in any way. The same holder gets the one that it has begun already. Throws
   * StaleTokenError, IssuerMismatchError, MisuseError if three are being filled, UnavailableError.
   */
  async begin(view: View, options: BeginOptions): Promise<Generation> {
    this.requireKnown(view);
    const { holder, abandonAfter } = readOptions('begin()', options, BEGIN);
    requireClaim(holder);
    const definition = await nextDefinition(this.#definitions, view);
    return Generation.begin({ definition, abandonAfter }, this.#partsOf(view, holder));
  }

  /** A generation that there is, to cut to it, back to it, or to end it. Throws MisuseError, UnavailableError. */
  async generation(view: View, id: string, { holder }: { readonly holder: TokenClaim }): Promise<Generation> {
    requireClaim(holder);
    const all = await this.generations(view);
    if (all.some((each) => each.id === id)) return new Generation(id, this.#partsOf(view, holder));
    const known = all.map((each) => each.id).join(', ');
    throw new MisuseError(
      `The view "${view.name}" has no generation ${display(id)}; it has ${known || 'none'}.`,
    );
  }

  /**
   * Generations of several views take the places of those that are read, all in one step: whoever reads a service has all its
   * views from before it, or all from after it. They are of one holder, whose token is checked for each view. Cut to the
   * previous ones in the same way, it leads back. `lanes` says by view what becomes of each lane of the generation that is read.
   * Throws as `cut` of a generation does: nothing has changed then.
   */
  async cut(generations: readonly Generation[], options: CutTogetherOptions): Promise<void> {
    await Generation.cut(this.#catalog, generations, options);
  }

  /**
   * Has the previous generation of a view read again; of a service, those of the views that its last cut took together, in one
   * step. Resolves to the generations that are read now. Throws as `cut` does: nothing has changed then.
   */
  async rollback(of: View | Service, { holder, ...options }: RollbackOptions): Promise<RolledBack> {
    const views = this.#viewsOf('rollback()', of);
    requireClaim(holder);
    return rollBack(
      this.#partsOf(views[0] as View, holder),
      views.map(({ name }) => name),
      options,
    );
  }

  /**
   * Keeps the generations of a view, or of all views of a service, that are read now, as for a model that goes on with them or
   * for a training run: `retire` refuses to end them, or waits, until the pin ends. `get` with `pin` reads them, also when
   * others have taken their place. Throws MisuseError, UnavailableError.
   */
  async pin(of: View | Service, options: PinOptions): Promise<Pin> {
    const views = this.#viewsOf('pin()', of);
    return Pin.of(this.#catalog, new Map(views.map(({ name }) => [name, ''])), options);
  }

  /** The generations of a view, the oldest first. Throws UnavailableError. */
  async generations(view: View): Promise<readonly GenerationInfo[]> {
    this.requireKnown(view);
    const [, lineup = ''] = await this.#catalog.change('lineup', [view.name, '']);
    return readLineup(lineup);
  }

  /** Its views, as this program knows them. */
  get views(): readonly View[] {
    return [...this.#registry.views.values()];
  }

  /** Its services, as this program knows them. */
  get served(): readonly Service[] {
    return [...this.#registry.services.values()];
  }

  /** The lanes of a generation of a view, of the one that is read unless another is named. Throws UnavailableError, MisuseError. */
  async lanes(view: View, options: LanesOptions = {}): Promise<readonly LaneInfo[]> {
    this.requireKnown(view);
    const read = readOptions('lanes()', options, LANES);
    const live = (await this.#catalog.pointers([view.name]))?.views.get(view.name)?.live;
    if (live === undefined) throw notApplied(view.name);
    const generation = read.generation ?? live;
    return readLanes(this.#catalog, this.#partitions, { view: view.name, generation });
  }

  /**
   * Deletes what is left of the rows of generations that have ended, as where `retire()` was broken off. Resolves to how many
   * were deleted. Throws UnavailableError: call it again.
   */
  async sweep(view: View): Promise<number> {
    const ended = (await this.generations(view)).filter(({ state }) => state === 'retired');
    let dropped = 0;
    for (const { id } of ended) dropped += await sweep(this.#partitions, printGeneration(view.name, id));
    return dropped;
  }

  /**
   * What is wrong with the store, in words, and what generations that were read before lack of those that are read now, so that
   * one knows whether a rollback has to wait. It changes nothing. Throws UnavailableError, MisuseError.
   */
  health(): Promise<StoreHealth> {
    return readHealth(this.#catalog, this.#partitions, [...this.#registry.views.keys()]);
  }

  /**
   * Drops from the logs what they have kept for long enough: `history: { keep }` of the views. Open lanes of such views do so every
   * minute. Resolves to how many entries were dropped. Throws UnavailableError.
   */
  trim(): Promise<number> {
    return dropOld(this.#catalog, this.#partitions);
  }

  /** How much the store holds, of the views that were applied. Throws UnavailableError. */
  stats(): Promise<StoreStats> {
    return this.during(undefined, 'counting what it holds', () =>
      readStats(this.#catalog, this.#partitions, [...this.#registry.views.keys()]),
    );
  }

  /**
   * How far the open lanes of each view are behind their sources, at most: ms of a Redis stream, records of Kafka. A view whose
   * lanes follow no source, or of which that is not known, is left out.
   */
  lags(): Readonly<Record<string, number>> {
    const lags: Record<string, number> = {};
    for (const [lane, view] of this.#lanes) {
      for (const { lag } of lane.stats().source)
        if (lag !== undefined) lags[view] = Math.max(lags[view] ?? 0, lag);
    }
    return lags;
  }

  /**
   * What moves the logs into Parquet files, and trims them: see `Exporter.run`. Nothing else trims them but `trim`. Throws
   * MisuseError.
   */
  exporter(options: ExporterOptions): Exporter {
    const read = readOptions('exporter()', options, EXPORTER);
    requireClaim(read.holder);
    return new Exporter({ ...read, store: partsOf(this) });
  }

  /**
   * Erases an entity: no row about it is served, exported or trained with from now on, alone or in composite ids, and none is taken,
   * of whatever event time. Exported files have its rows until they are compacted, and logs until they are exported. Throws
   * StaleTokenError if a holder of a higher token has erased or restored since, IssuerMismatchError, RowError, MisuseError,
   * UnavailableError: call it again, it goes on where it was.
   */
  async erase(of: Entity, id: string, options: EraseOptions): Promise<ErasureReport> {
    return eraseEntity(partsOf(this), erasingOf('erase()', of, id, options));
  }

  /**
   * Has rows about an entity taken again that was erased; what was erased stays so. Throws what `erase` throws, MisuseError for what
   * is not erased.
   */
  async restore(of: Entity, id: string, options: EraseOptions): Promise<void> {
    return restoreEntity(partsOf(this), erasingOf('restore()', of, id, options));
  }

  #partsOf(view: View, holder: TokenClaim): GenerationParts {
    const [catalog, partitions, clock] = [this.#catalog, this.#partitions, this.#clock];
    const telemetry = this.#telemetry;
    return {
      ...{ view: view.name, holder, catalog, partitions, clock, telemetry },
      onChange: () => this.#pointers.drop(),
      definitionOf: (of, generation) => this.#definitions.of(of, generation),
    };
  }

  /**
   * Ends the store and its lanes. Calls that are under way reject with AbortedError, and what lanes had not landed yet is given
   * up: close them first to have it landed. Whoever uses one of them afterwards gets a MisuseError.
   */
  async close(): Promise<void> {
    this.endReads();
    this.#keeping.end();
    const open = [...this.#lanes.keys(), ...this.#copies];
    await Promise.all(open.map((each) => each.close({ signal: AbortSignal.abort() })));
    for (const partition of this.#partitions) partition.close();
    this.#replicas?.close();
    this.#catalog.close();
    this.#pointers.drop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A view, or those of a service, each once. */
  #viewsOf(where: string, of: View | Service): readonly View[] {
    const { name, views, kind } = Object(of) as Partial<Service> & Partial<View>;
    if (kind === undefined && typeof views === 'object') {
      this.requireService(of as Service);
      return [...new Set(Object.values(views))];
    }
    if (kind === undefined)
      throw new MisuseError(`${where} takes a view or a service of this store; got ${display(name ?? of)}.`);
    this.requireKnown(of as View);
    return [of as View];
  }
}
