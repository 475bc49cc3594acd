/**
 * Events of entities, summed up by tile: what one call adds to windows. Sums are kept as the bytes in which they are sent, so an
 * event of a hot entity costs a few additions of numbers, and one of an entity that is new no objects.
 *
 * Guarantees: those of tiles (tile.ts), whose bytes they have: the order of the events does not matter, but for the last bits of sums.
 */
import type { RingShape } from '../definition/stored.js';
import { type PackedRows, packRows } from '../row/pack.js';
import { count as countText } from './distinct.js';
import { type LatestEvent, mergeLatest } from './latest.js';
import { tileAt, writeLatest } from './ring.js';
import { type Contribution, registersOf, tileBytes } from './tile.js';

/** Sums for which there is room at first. */
const ROOM = 32;

/** The end of a list of places. */
const NONE = -1;

/** The bytes of a tile before its series, and those of a series. */
const HEAD = 16;
const SERIES = 48;

export class Sums {
  /** The entity of each sum. An entity with events of several tiles stands here several times. */
  readonly ids: string[] = [];
  readonly #shape: RingShape;
  readonly #size: number;
  #bytes: Buffer;
  #view: DataView;
  /** The place of the latest sum of each entity, and of each sum the place of the one before it of the same entity. */
  readonly #places = new Map<string, number>();
  readonly #before: number[] = [];
  readonly #latest: (readonly (readonly LatestEvent[])[])[] = [];

  constructor(shape: RingShape) {
    this.#shape = shape;
    this.#size = tileBytes(shape.plan);
    this.#bytes = Buffer.allocUnsafe(ROOM * this.#size);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
  }

  /** How many there are. */
  get count(): number {
    return this.ids.length;
  }

  /** `source` is the number of the source partition of the event. */
  add(id: string, event: Contribution, source: number): void {
    const { plan } = this.#shape;
    const place = this.#placeOf(id, tileAt(this.#shape, event.time));
    const [view, begin] = [this.#view, place * this.#size];
    view.setFloat64(begin + 8, view.getFloat64(begin + 8, true) + 1, true);
    for (let series = 0; series < plan.series; series += 1)
      addNumber(view, begin + HEAD + SERIES * series, event.numbers[series] as number, event);
    let from = begin + HEAD + SERIES * plan.series;
    for (let at = 0; at < plan.distinct.length; at += 1) {
      const size = plan.distinct[at] as number;
      countText(this.#bytes, from, size, event.distinct[at] as string);
      from += size;
    }
    if (plan.latest.length > 0) this.#addLatest(place, event, source);
  }

  /** Each sum as its tile, with the latest events behind it. Nothing may be added afterwards. */
  packed(): PackedRows {
    const [size, count] = [this.#size, this.count];
    if (this.#shape.plan.latest.length === 0)
      return { count, size, bytes: this.#bytes.subarray(0, count * size) };
    return packRows(
      this.#latest.map((lists, place) => {
        const tile = this.#bytes.subarray(place * size, (place + 1) * size);
        return Buffer.concat([tile, ...lists.flatMap(writeLatest)]);
      }),
    );
  }

  #placeOf(id: string, number: number): number {
    const latest = this.#places.get(id) ?? NONE;
    for (let place = latest; place !== NONE; place = this.#before[place] ?? NONE)
      if (this.#view.getFloat64(place * this.#size, true) === number) return place;
    const place = this.ids.length;
    this.ids.push(id);
    this.#before.push(latest);
    this.#places.set(id, place);
    this.#begin(place, number);
    return place;
  }

  #begin(place: number, number: number): void {
    const { plan } = this.#shape;
    if ((place + 1) * this.#size > this.#bytes.length) this.#grow();
    const [view, begin] = [this.#view, place * this.#size];
    view.setFloat64(begin, number, true);
    view.setFloat64(begin + 8, 0, true);
    for (let at = begin + HEAD; at < begin + HEAD + SERIES * plan.series; at += SERIES) {
      view.setFloat64(at, 0, true);
      view.setFloat64(at + 8, Number.POSITIVE_INFINITY, true);
      view.setFloat64(at + 16, Number.NEGATIVE_INFINITY, true);
      view.setFloat64(at + 24, -1, true);
      view.setFloat64(at + 32, -1, true);
      view.setFloat64(at + 40, 0, true);
    }
    const registers = registersOf(plan);
    if (registers > 0) this.#bytes.fill(0, begin + this.#size - registers, begin + this.#size);
    if (plan.latest.length > 0) this.#latest.push(plan.latest.map(() => []));
  }

  #grow(): void {
    const bytes = Buffer.allocUnsafe(2 * this.#bytes.length);
    this.#bytes.copy(bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  #addLatest(place: number, { time, sequence, second, index, latest }: Contribution, source: number): void {
    const { plan } = this.#shape;
    this.#latest[place] = (this.#latest[place] ?? []).map((list, at) => {
      const event = { time, source, sequence, second, index, text: latest[at] as string };
      return mergeLatest(list, [event], plan.latest[at] ?? 0);
    });
  }
}

/** Adds a number to a series that begins at `at`: sum, min, max; and of the last event its time, its place and its number. */
function addNumber(
  view: DataView,
  at: number,
  number: number,
  { time, sequence }: Pick<Contribution, 'time' | 'sequence'>,
): void {
  view.setFloat64(at, view.getFloat64(at, true) + number, true);
  if (number < view.getFloat64(at + 8, true)) view.setFloat64(at + 8, number, true);
  if (number > view.getFloat64(at + 16, true)) view.setFloat64(at + 16, number, true);
  const last = view.getFloat64(at + 24, true);
  if (time < last || (time === last && sequence < view.getFloat64(at + 32, true))) return;
  view.setFloat64(at + 24, time, true);
  view.setFloat64(at + 32, sequence, true);
  view.setFloat64(at + 40, number, true);
}
