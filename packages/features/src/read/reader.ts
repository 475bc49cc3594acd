/**
 * Reading rows: which generation is live, the rows as they lie in Redis, and what of them is served.
 *
 * Guarantees: a read sees what was acknowledged before it began, in the generation that is live. Every value is either what
 * was written, or null with a reason: the row is missing, its TTL has passed, or its bytes do not agree with their checksum. A
 * read never mixes two generations of a view, and uses none that may have ended: an answer that came after the lease of the
 * pointers is read again, if they have changed. All rows of an entity are of one instant: one command reads them, and the
 * place in the log at which they stood so.
 */
import { MisuseError } from '@holdfast/kernel';
import type { View } from '../definition/view.js';
import type { Pointers, ViewPointer } from '../store/catalog.js';
import { type Definitions, notApplied } from '../store/definitions.js';
import type { Partition } from '../store/partition.js';
import type { Telemetry } from '../telemetry.js';
import type { DecodedRow, RowDecoders } from './decoders.js';
import type { Fetcher } from './fetch.js';
import type { PointerLease } from './pointer.js';

/** Why a row has no values. */
export type NullReason = 'missing' | 'expired' | 'torn';

/** The values of a row by their names, each null if the row is not served. */
export interface ReadRow<Values = Readonly<Record<string, unknown>>> {
  readonly values: Values;
  /** When what the row says was so; null for windows, and for a row that is missing or torn. */
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
  /** By partition, "<epoch> <place>" of the last entry of its log, '' before the first; empty if not asked for. */
  readonly places: ReadonlyMap<number, string>;
}

/** A row that is wanted. */
export interface Wanted {
  readonly view: View;
  readonly id: string;
  readonly partition: number;
}

export interface ReaderOptions {
  readonly pointers: PointerLease;
  readonly definitions: Definitions;
  readonly fetcher: Fetcher;
  readonly partitions: readonly Partition[];
  readonly decoders: RowDecoders;
  readonly telemetry: Telemetry;
}

/** How often a read is made again because what is live has changed meanwhile. */
const TRIES = 10;

export class Reader {
  readonly #options: ReaderOptions;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** One row for each that is wanted. Throws UnavailableError; MisuseError for a view that was not applied. */
  async read(wanted: readonly Wanted[], { place = false } = {}): Promise<ReadRows> {
    const { pointers, fetcher, partitions, telemetry } = this.#options;
    const placed = place ? [...new Set(wanted.map(({ partition }) => partition))] : [];
    const ats = placed.map((partition) => ({ partition, key: partitions[partition]?.keys.of('at') ?? '' }));
    let held = await pointers.get();
    for (let tries = 0; tries < TRIES; tries += 1) {
      const keys = wanted.map((each) => this.#keyOf(each, held));
      const found = await fetcher.fetch([...ats, ...keys]);
      const now = pointers.isHeld(held) ? held : await pointers.get();
      if (now === held || isSame(wanted, held, now)) {
        const time = pointers.timeBy(now);
        const rows = await Promise.all(
          wanted.map(({ view }, n) => this.#serve(view, found[ats.length + n] ?? null, { now, time })),
        );
        telemetry.served(rows.map(({ reason }, n) => ({ view: wanted[n]?.view.name ?? '', reason })));
        const places = new Map(placed.map((partition, n) => [partition, String(found[n] ?? '')]));
        return { rows, pointers: now, now: time, places };
      }
      held = now;
    }
    throw new MisuseError(`What is live changed ${TRIES} times during one read. Read again.`);
  }

  #keyOf({ view, id, partition }: Wanted, { views }: Pointers) {
    const { live } = pointerOf(view, views);
    const keys = this.#options.partitions[partition]?.keys;
    return { partition, key: keys?.row(`${view.name}.${live}`, id) ?? '' };
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
    if (stored === undefined || decoded === 'unknown') return this.#fetchAndServe(view, row, time);
    return served({ view, decoded, ttl: stored.ttl, time });
  }

  async #fetchAndServe(view: View, row: Buffer, time: number): Promise<ReadRow> {
    const { definitions, decoders } = this.#options;
    const stored = await definitions.fetch(view.name);
    const decoded = decoders.decode(view, stored, { row, now: time });
    return served({ view, decoded: decoded === 'unknown' ? undefined : decoded, ttl: stored.ttl, time });
  }
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
