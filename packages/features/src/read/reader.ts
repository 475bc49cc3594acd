/**
 * Reading rows: which generation is live, the rows as they lie in Redis, and what of them is served.
 *
 * Guarantees: a read sees what was acknowledged before it began, in the generation that is live. Every value is either what
 * was written, or null with a reason: the row is missing, its TTL has passed, or its bytes do not agree with their checksum. A
 * read never mixes two generations of a view, and uses none that may have ended: an answer that came after the lease of the
 * pointers is read again, if they have changed. All rows of an entity are of one instant: one command reads them, and the
 * place in the log at which they stood so. Where a service has a cache, that command may be one of an earlier read.
 */
import { type Clock, MisuseError } from '@holdfast/kernel';
import { isFlags } from '../definition/flags.js';
import type { StoredView } from '../definition/stored.js';
import type { View } from '../definition/view.js';
import type { Pin } from '../generation/pins.js';
import type { Pointers, ViewPointer } from '../store/catalog.js';
import { type Definitions, NOT_LIVE, notApplied } from '../store/definitions.js';
import type { Partition } from '../store/partition.js';
import type { Telemetry } from '../telemetry.js';
import type { ReadCache } from './cache.js';
import type { Fetcher } from './fetch.js';
import { fetchFlags, type WantedFlags } from './flags.js';
import type { HeldPointers, PointerLease } from './pointer.js';
import type { Replicas } from './replicas.js';
import type { NullReason, Outcome, ViewReader } from './view-reader.js';
import type { Wanted } from './wanted.js';

/** Rows as they lie in Redis, one for each that is wanted. */
interface Rows {
  /** Null for one that is not there. */
  readonly rows: (Buffer | null | undefined)[];
  /** "<epoch> <place>" of the last entry of its partition's log, '' before the first; '' if not asked for. */
  readonly places: string[];
  /** When it was asked for, on the process's clock, in ms; undefined as long as it was not. */
  readonly asked: (number | undefined)[];
}

/** Rows, and by what they are judged. */
export interface Found extends Rows {
  readonly pointers: Pointers;
  /** The server's time by which TTLs and windows are judged, in microseconds. */
  readonly now: number;
}

/** Writes the values of the row at `index` into an object, unless there is a reason why there are none. */
type Serve = (index: number, values: Record<string, unknown>) => NullReason | undefined;

/** What a read wants: the views of which there are rows in it, each once, and the rows. */
export interface WantedRows {
  readonly views: readonly View[];
  readonly wanted: readonly Wanted[];
}

/** The rows of one entity, which are kept together. */
export interface Group {
  readonly key: string;
  /** Their indexes in the list of those that are wanted. */
  readonly indexes: readonly number[];
}

/** Rows that may come from a cache. */
export interface Cached {
  readonly cache: ReadCache;
  readonly groups: Iterable<Group>;
}

interface ReadOptions {
  /** Whether the places in the log are asked for. */
  readonly place?: boolean;
  readonly cached?: Cached | undefined;
  readonly pin?: Pin | undefined;
  /** How long ago what comes from the cache or a replica may have been so, in ms. Default: as long as those allow. */
  readonly fresh?: number | undefined;
  /** Whether replicas are asked. */
  readonly replica?: boolean | undefined;
}

export interface ReaderOptions {
  readonly pointers: PointerLease;
  readonly definitions: Definitions;
  readonly fetcher: Fetcher;
  readonly replicas: Replicas | undefined;
  readonly partitions: readonly Partition[];
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

/** How often a read is made again because what is live has changed meanwhile. */
const TRIES = 10;

export class Reader {
  readonly #options: ReaderOptions;
  /** The beginnings of the keys of the rows of a view, by partition, for the generation that was read last. */
  readonly #prefixes = new Map<View, { readonly live: string; readonly of: string[] }>();

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** What lies in Redis or in the cache. Throws UnavailableError; MisuseError for a view that was not applied. */
  async find({ views, wanted }: WantedRows, options: ReadOptions = {}): Promise<Found> {
    const { pointers } = this.#options;
    const get = async (): Promise<HeldPointers> => pinnedBy(options.pin, await pointers.get());
    let held = options.pin === undefined ? (pointers.fresh ?? (await get())) : await get();
    for (let tries = 0; tries < TRIES; tries += 1) {
      const { length } = wanted;
      const rows: Rows = {
        rows: new Array(length),
        places: new Array(length).fill(''),
        asked: new Array(length),
      };
      const missed =
        options.cached && (await this.#findCached({ views, wanted }, held, { ...options, into: rows }));
      const place = options.place || (missed !== undefined && missed.length > 0);
      const replicas = options.replica ? await this.#requireReplicas(views, held) : undefined;
      await this.#fetch(wanted, held, { into: rows, place, replicas, fresh: options.fresh });
      const now = pointers.isHeld(held) ? held : await get();
      if (now === held || isSame(views, held, now)) {
        for (const group of missed ?? []) this.#keep(group, wanted, { held, rows, cached: options.cached });
        const time = pointers.timeBy(now);
        requireKept(options.pin, time);
        return { ...rows, pointers: now, now: time };
      }
      held = now;
    }
    throw new MisuseError(`What is live changed ${TRIES} times during one read. Read again.`);
  }

  /**
   * What `finish` makes of rows that were found, once `fill` has read them: it is given a way to read those of a view, and is called
   * again if a row was written by a definition that was applied since. `finish` is given the reasons for what is not served, by
   * index, and when all was there, on the process's clock, in ms. Throws UnavailableError.
   */
  serve<T>(
    { wanted }: WantedRows,
    { rows, pointers, now }: Found,
    fill: (serving: (reader: ViewReader) => Serve) => void,
    finish: (reasons: readonly (NullReason | undefined)[], answered: number) => T,
  ): T | Promise<T> {
    const { definitions, telemetry, clock } = this.#options;
    const reasons: (NullReason | undefined)[] = new Array(wanted.length);
    let unknown: Set<View> | undefined;
    let fetched: ReadonlyMap<View, StoredView> | undefined;
    const serving = (reader: ViewReader): Serve => {
      const { view } = reader;
      const pointer = pointerOf(view, pointers.views);
      const stored = fetched?.get(view) ?? definitions.known(view.name, pointer);
      return (index, values) => {
        const row = rows[index];
        let outcome: Outcome = 'missing';
        if (row) outcome = stored === undefined ? 'unknown' : reader.read(stored, row, now, values);
        if (outcome === 'unknown') {
          unknown = (unknown ?? new Set()).add(view);
          outcome = 'torn';
        }
        reasons[index] = outcome;
        return outcome;
      };
    };
    const end = (): T => {
      telemetry.served(wanted, reasons);
      return finish(reasons, clock.now());
    };
    fill(serving);
    if (unknown === undefined) return end();
    return this.#fetchDefinitions(unknown, pointers).then((definitions) => {
      fetched = definitions;
      fill(serving);
      return end();
    });
  }

  /** What the cache has. Returns the groups that it lacks, and may keep. */
  async #findCached(
    { views, wanted }: WantedRows,
    held: HeldPointers,
    { cached, fresh, into }: ReadOptions & { readonly into: Rows },
  ): Promise<readonly Group[]> {
    if (cached === undefined) return [];
    const { definitions, clock, telemetry } = this.#options;
    // They say whether a view is strict.
    const unknown = views.filter(
      (view) => definitions.known(view.name, pointerOf(view, held.views)) === undefined,
    );
    if (unknown.length > 0) await this.#fetchDefinitions(unknown, held);
    const since = clock.now() - Math.min(fresh ?? cached.cache.maxAge, cached.cache.maxAge);
    const missed: Group[] = [];
    let hits = 0;
    for (const group of cached.groups) {
      if (!this.#mayKeep(group, wanted, held)) continue;
      const known =
        fresh === 0 ? undefined : cached.cache.find(group.key, generationsOf(group, wanted, held), since);
      if (known === undefined) {
        missed.push(group);
        continue;
      }
      hits += group.indexes.length;
      for (const [n, index] of group.indexes.entries()) {
        into.rows[index] = known.rows[n] ?? null;
        into.places[index] = known.at;
        into.asked[index] = known.asked;
      }
    }
    telemetry.cached(wanted.length, hits);
    return missed;
  }

  async #fetchDefinitions(views: Iterable<View>, { views: pointers }: Pointers) {
    const { definitions } = this.#options;
    const fetching = [...views].map(
      async (view) => [view, await definitions.fetchFor(view.name, pointerOf(view, pointers))] as const,
    );
    return new Map(await Promise.all(fetching));
  }

  /** Fetches what was not found. */
  async #fetch(
    wanted: readonly Wanted[],
    held: HeldPointers,
    {
      into,
      place,
      replicas,
      fresh = Number.POSITIVE_INFINITY,
    }: {
      readonly into: Rows;
      readonly place: boolean;
      readonly replicas: Replicas | undefined;
      readonly fresh: number | undefined;
    },
  ): Promise<void> {
    const { fetcher, partitions, clock } = this.#options;
    const asked = clock.now();
    const keys: string[] = [];
    const of: number[] = [];
    // The places come first in the command, and so before what is read at them.
    const placed = place ? this.#partitionsOf(wanted, into) : [];
    for (const partition of placed) {
      keys.push(partitions[partition]?.keys.of('at') ?? '');
      of.push(partition);
    }
    const indexes: number[] = [];
    let flags: (WantedFlags & { readonly index: number })[] | undefined;
    for (let index = 0; index < wanted.length; index += 1) {
      if (into.asked[index] !== undefined) continue;
      into.asked[index] = asked;
      const { view, id, partition } = wanted[index] as Wanted;
      const { live } = pointerOf(view, held.views);
      if (isFlags(view)) {
        flags ??= [];
        flags.push({ view, id, index, generation: live });
        continue;
      }
      indexes.push(index);
      keys.push(this.#prefixOf(view, live, partition) + id);
      of.push(partition);
    }
    let lags: readonly number[] | undefined;
    const reading =
      replicas === undefined
        ? fetcher.fetch(keys, of)
        : replicas.fetch({ keys, partitions: of, most: fresh }).then((found) => {
            lags = found.lags;
            return found.rows;
          });
    const [read, bits] = flags
      ? await Promise.all([reading, fetchFlags(partitions, flags)])
      : [await reading, undefined];
    for (let n = 0; n < indexes.length; n += 1)
      into.rows[indexes[n] as number] = read[placed.length + n] ?? null;
    for (const [n, { index }] of flags?.entries() ?? []) into.rows[index] = bits?.[n] ?? null;
    for (const [n, index] of lags ? indexes.entries() : [])
      into.asked[index] = asked - (lags?.[placed.length + n] ?? 0);
    if (placed.length === 0) return;
    const places = new Map(placed.map((partition, n) => [partition, String(read[n] ?? '')]));
    for (const index of indexes) into.places[index] = places.get((wanted[index] as Wanted).partition) ?? '';
  }

  /** Throws MisuseError where there are none, and for a view that is strict, here or as it is registered. */
  async #requireReplicas(views: readonly View[], held: HeldPointers): Promise<Replicas> {
    const { replicas, definitions } = this.#options;
    if (replicas === undefined)
      throw new MisuseError('`replica` needs the replicas of the store; give createFeatures() `replicas`.');
    const known = (view: View) => definitions.known(view.name, pointerOf(view, held.views));
    const unknown = views.filter((view) => known(view) === undefined);
    const fetched = await this.#fetchDefinitions(unknown, held);
    const strict = views.find((view) => view.strict || (fetched.get(view) ?? known(view))?.strict === true);
    if (strict === undefined) return replicas;
    throw new MisuseError(
      `The view "${strict.name}" is strict, so it is read from the master alone; leave \`replica\` out.`,
    );
  }

  /** The partitions of what was not found. */
  #partitionsOf(wanted: readonly Wanted[], { asked }: Rows): readonly number[] {
    return [
      ...new Set(wanted.flatMap(({ partition }, index) => (asked[index] === undefined ? [partition] : []))),
    ];
  }

  /** The key of a row, before its id. */
  #prefixOf(view: View, live: string, partition: number): string {
    let known = this.#prefixes.get(view);
    if (known?.live !== live) {
      known = { live, of: [] };
      this.#prefixes.set(view, known);
    }
    known.of[partition] ??= this.#options.partitions[partition]?.keys.row(`${view.name}.${live}`, '') ?? '';
    return known.of[partition];
  }

  #keep(
    group: Group,
    wanted: readonly Wanted[],
    {
      held,
      rows,
      cached,
    }: {
      readonly held: HeldPointers;
      readonly rows: Rows;
      readonly cached: Cached | undefined;
    },
  ): void {
    const [first = 0] = group.indexes;
    cached?.cache.keep(group.key, {
      asked: rows.asked[first] ?? 0,
      generations: generationsOf(group, wanted, held),
      rows: group.indexes.map((index) => rows.rows[index] ?? null),
      at: rows.places[first] ?? '',
    });
  }

  /** No view of the entity is strict, here or as it is registered. */
  #mayKeep({ indexes }: Group, wanted: readonly Wanted[], { views }: Pointers): boolean {
    return indexes.every((index) => {
      const { view } = wanted[index] as Wanted;
      const stored = this.#options.definitions.known(view.name, pointerOf(view, views));
      return stored !== undefined && !stored.strict && !view.strict;
    });
  }
}

/** The pointers with the generations that a pin keeps. */
function pinnedBy(pin: Pin | undefined, held: HeldPointers): HeldPointers {
  if (pin === undefined) return held;
  const views = new Map(held.views);
  for (const [view, kept] of pin.generations) {
    if (views.get(view)?.live !== kept) views.set(view, { live: kept, applied: NOT_LIVE });
  }
  return { ...held, views };
}

function requireKept(pin: Pin | undefined, time: number): void {
  if (pin === undefined || time < pin['~until']) return;
  throw new MisuseError(
    `The generations that "${pin.by}" pinned are not kept any more; extend the pin in time, or pin what is read now.`,
  );
}

function pointerOf({ name }: View, views: ReadonlyMap<string, ViewPointer>): ViewPointer {
  const pointer = views.get(name);
  if (pointer === undefined) throw notApplied(name);
  return pointer;
}

const isSame = (views: readonly View[], one: Pointers, other: Pointers): boolean =>
  views.every(({ name }) => one.views.get(name)?.live === other.views.get(name)?.live);

const generationsOf = (
  { indexes }: Group,
  wanted: readonly Wanted[],
  { views }: Pointers,
): readonly string[] => indexes.map((index) => pointerOf((wanted[index] as Wanted).view, views).live);
