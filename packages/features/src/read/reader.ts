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
import type { View } from '../definition/view.js';
import type { Pin } from '../generation/pins.js';
import type { Pointers, ViewPointer } from '../store/catalog.js';
import { type Definitions, NOT_LIVE, notApplied } from '../store/definitions.js';
import type { Partition } from '../store/partition.js';
import type { Telemetry } from '../telemetry.js';
import type { ReadCache } from './cache.js';
import type { DecodedRow, RowDecoders } from './decoders.js';
import type { Fetcher } from './fetch.js';
import { fetchFlags } from './flags.js';
import type { HeldPointers, PointerLease } from './pointer.js';
import type { Wanted } from './wanted.js';

/** Why a row has no values. */
export type NullReason = 'missing' | 'expired' | 'torn';

/** The values of a row by their names, each null if the row is not served. */
export interface ReadRow<Values = Readonly<Record<string, unknown>>> {
  readonly values: Values;
  /** When what the row says was so; null for windows and flags, and for a row that is missing or torn. */
  readonly time: Date | null;
  /** Why the values are null; undefined for a row that is served. */
  readonly reason: NullReason | undefined;
}

/** Rows, and by what they were judged. */
interface ReadRows {
  readonly rows: readonly ReadRow[];
  readonly pointers: Pointers;
  /** The server's time by which TTLs and windows were judged, in microseconds. */
  readonly now: number;
  /** For each row, "<epoch> <place>" of the last entry of its partition's log, '' before the first; '' if not asked for. */
  readonly places: readonly string[];
  /** For each row, how long ago it was asked for at most, in ms, by the process's clock. */
  readonly ages: readonly number[];
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
  /** How long ago what comes from the cache may have been asked for, in ms. Default: as long as the cache keeps it. */
  readonly fresh?: number | undefined;
}

/** A row as it lay in Redis. */
interface Found {
  readonly row: Buffer | null;
  readonly at: string;
  /** On the process's clock, in ms: before it was asked for. */
  readonly asked: number;
}

export interface ReaderOptions {
  readonly pointers: PointerLease;
  readonly definitions: Definitions;
  readonly fetcher: Fetcher;
  readonly partitions: readonly Partition[];
  readonly decoders: RowDecoders;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

/** How often a read is made again because what is live has changed meanwhile. */
const TRIES = 10;

export class Reader {
  readonly #options: ReaderOptions;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** One row for each that is wanted. Throws UnavailableError; MisuseError for a view that was not applied. */
  async read(wanted: readonly Wanted[], options: ReadOptions = {}): Promise<ReadRows> {
    const { pointers, telemetry, clock } = this.#options;
    const get = async (): Promise<HeldPointers> => pinnedBy(options.pin, await pointers.get());
    let held = await get();
    for (let tries = 0; tries < TRIES; tries += 1) {
      const { found, keeps } = await this.#find(wanted, held, options);
      const now = pointers.isHeld(held) ? held : await get();
      if (now === held || isSame(wanted, held, now)) {
        for (const keep of keeps) keep();
        const time = pointers.timeBy(now);
        requireKept(options.pin, time);
        const rows = await Promise.all(
          wanted.map(({ view }, n) => this.#serve(view, found[n]?.row ?? null, { now, time })),
        );
        telemetry.served(rows.map(({ reason }, n) => ({ view: wanted[n]?.view.name ?? '', reason })));
        const ages = found.map(({ asked }) => clock.now() - asked);
        return { rows, pointers: now, now: time, places: found.map(({ at }) => at), ages };
      }
      held = now;
    }
    throw new MisuseError(`What is live changed ${TRIES} times during one read. Read again.`);
  }

  /** The rows from the cache and from Redis, and what keeps the latter, once it is known that their generations are read. */
  async #find(wanted: readonly Wanted[], held: HeldPointers, { place = false, cached, fresh }: ReadOptions) {
    const found = new Array<Found>(wanted.length);
    const missed: Group[] = [];
    if (cached !== undefined) {
      await this.#know(wanted, held);
      const since = this.#options.clock.now() - Math.min(fresh ?? cached.cache.maxAge, cached.cache.maxAge);
      for (const group of cached.groups) {
        if (!this.#mayKeep(group, wanted, held)) continue;
        const known =
          fresh === 0 ? undefined : cached.cache.find(group.key, generationsOf(group, wanted, held), since);
        if (known === undefined) missed.push(group);
        for (const [n, index] of group.indexes.entries())
          if (known) found[index] = { row: known.rows[n] ?? null, at: known.at, asked: known.asked };
      }
      this.#options.telemetry.cached(wanted.length, found.filter(Boolean).length);
    }
    await this.#fetch(wanted, held, { found, place: place || missed.length > 0 });
    const keeps = missed.map((group) => () => this.#keep(group, wanted, { held, found, cached }));
    return { found, keeps };
  }

  /** Fetches the definitions that say whether a view is strict. */
  async #know(wanted: readonly Wanted[], { views }: Pointers): Promise<void> {
    const { definitions } = this.#options;
    const unknown = new Set(
      wanted
        .map(({ view }) => view)
        .filter((view) => {
          return definitions.known(view.name, pointerOf(view, views)) === undefined;
        }),
    );
    await Promise.all([...unknown].map((view) => definitions.fetchFor(view.name, pointerOf(view, views))));
  }

  /** Fetches what was not found. */
  async #fetch(
    wanted: readonly Wanted[],
    held: HeldPointers,
    { found, place }: { readonly found: Found[]; readonly place: boolean },
  ): Promise<void> {
    const { fetcher, partitions, clock } = this.#options;
    const indexes = [...wanted.keys()].filter((index) => found[index] === undefined);
    const of = (index: number): Wanted => wanted[index] as Wanted;
    const placed = place ? [...new Set(indexes.map((index) => of(index).partition))] : [];
    const ats = placed.map((partition) => ({ partition, key: partitions[partition]?.keys.of('at') ?? '' }));
    const asked = clock.now();
    const ofRows = indexes.filter((index) => !isFlags(of(index).view));
    const flags = indexes.flatMap((index) => this.#flagsOf(of(index), index, held));
    const [read, bits] = await Promise.all([
      fetcher.fetch([...ats, ...ofRows.map((index) => this.#keyOf(of(index), held))]),
      fetchFlags(partitions, flags),
    ]);
    const places = new Map(placed.map((partition, n) => [partition, String(read[n] ?? '')]));
    for (const [n, index] of ofRows.entries())
      found[index] = {
        row: read[ats.length + n] ?? null,
        at: places.get(of(index).partition) ?? '',
        asked,
      };
    for (const [n, { index }] of flags.entries()) found[index] = { row: bits[n] ?? null, at: '', asked };
  }

  #keep(
    group: Group,
    wanted: readonly Wanted[],
    read: {
      readonly held: HeldPointers;
      readonly found: readonly Found[];
      readonly cached: Cached | undefined;
    },
  ): void {
    const all = group.indexes.map((index) => read.found[index] as Found);
    const [{ at = '', asked = 0 } = {}] = all;
    const generations = generationsOf(group, wanted, read.held);
    read.cached?.cache.keep(group.key, { asked, generations, rows: all.map(({ row }) => row), at });
  }

  /** No view of the entity is strict, here or as it is registered. */
  #mayKeep({ indexes }: Group, wanted: readonly Wanted[], { views }: Pointers): boolean {
    return indexes.every((index) => {
      const { view } = wanted[index] as Wanted;
      const stored = this.#options.definitions.known(view.name, pointerOf(view, views));
      return stored !== undefined && !stored.strict && !view.strict;
    });
  }

  #keyOf({ view, id, partition }: Wanted, { views }: Pointers) {
    const { live } = pointerOf(view, views);
    const keys = this.#options.partitions[partition]?.keys;
    return { partition, key: keys?.row(`${view.name}.${live}`, id) ?? '' };
  }

  #flagsOf({ view, id }: Wanted, index: number, { views }: Pointers) {
    return isFlags(view) ? [{ view, id, index, generation: pointerOf(view, views).live }] : [];
  }

  #serve(
    view: View,
    row: Buffer | null,
    { now, time }: { readonly now: Pointers; readonly time: number },
  ): ReadRow | Promise<ReadRow> {
    if (row === null) return nothing(view, 'missing');
    const { definitions, decoders } = this.#options;
    const stored = definitions.known(view.name, pointerOf(view, now.views));
    const decoded = stored && decoders.decode(view, stored, { row, now: time });
    // Its definition was never fetched, or the row is of a schema that was applied since.
    if (stored === undefined || decoded === 'unknown') return this.#fetchAndServe(view, row, { now, time });
    return served({ view, decoded, ttl: stored.ttl, time });
  }

  async #fetchAndServe(
    view: View,
    row: Buffer,
    { now, time }: { readonly now: Pointers; readonly time: number },
  ): Promise<ReadRow> {
    const { definitions, decoders } = this.#options;
    const stored = await definitions.fetchFor(view.name, pointerOf(view, now.views));
    const decoded = decoders.decode(view, stored, { row, now: time });
    return served({ view, decoded: decoded === 'unknown' ? undefined : decoded, ttl: stored.ttl, time });
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

interface Served {
  readonly view: View;
  readonly decoded: DecodedRow | undefined;
  /** In ms; null for ever. */
  readonly ttl: number | null;
  /** Now, in microseconds. */
  readonly time: number;
}

function served({ view, decoded, ttl, time: now }: Served): ReadRow {
  if (decoded === undefined) return nothing(view, 'torn');
  const { time, values } = decoded;
  if (ttl !== null && time !== undefined && now - time >= ttl * 1_000) return nothing(view, 'expired', time);
  const own: Record<string, unknown> = {};
  for (const name in view.fields) own[name] = values[name] ?? null;
  return { values: own, time: time === undefined ? null : new Date(time / 1_000), reason: undefined };
}

function nothing(view: View, reason: NullReason, time?: number): ReadRow {
  const values: Record<string, unknown> = {};
  for (const name in view.fields) values[name] = null;
  return { values, time: time === undefined ? null : new Date(time / 1_000), reason };
}

function pointerOf({ name }: View, views: ReadonlyMap<string, ViewPointer>): ViewPointer {
  const pointer = views.get(name);
  if (pointer === undefined) throw notApplied(name);
  return pointer;
}

const isSame = (wanted: readonly Wanted[], one: Pointers, other: Pointers): boolean =>
  wanted.every(({ view: { name } }) => one.views.get(name)?.live === other.views.get(name)?.live);

const generationsOf = (
  { indexes }: Group,
  wanted: readonly Wanted[],
  { views }: Pointers,
): readonly string[] => indexes.map((index) => pointerOf((wanted[index] as Wanted).view, views).live);
