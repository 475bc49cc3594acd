/**
 * A ring: the tiles of one entity, as they are kept. A tile stands in the place `number mod tiles`, where it replaces an
 * older one. The scripts on Redis do the same with the bytes; this is what they are compared with.
 *
 * Bytes: u8 layout, u8 series, u16 registers of a tile, u32 tiles, f64 length of a tile in microseconds, f64 number of
 * the newest tile; the tiles; then for each list of latest events u16 how many, and each event as f64 time, f64 and u32
 * offset, u16 index in its record, u16 source partition, u16 length of the text, and the text. All little-endian.
 *
 * Guarantees: an addition that is older than the ring reaches back is late, and changes nothing; what becomes of any
 * other does not depend on the order in which they come. Bytes that are no ring of this shape give null.
 */
import type { RingShape } from '../definition/stored.js';
import { type LatestEvent, mergeLatest } from './latest.js';
import { addTile, emptyTile, readTile, registersOf, type Tile, tileBytes, writeTile } from './tile.js';

/** What is sent to a ring: events of one tile, and the latest of them for each list. */
export interface Addition {
  readonly tile: Tile;
  readonly latest: readonly (readonly LatestEvent[])[];
}

export interface Ring {
  /** The number of the newest tile; -1 of an empty ring. */
  newest: number;
  /** By their place; undefined where there has been none. */
  readonly tiles: (Tile | undefined)[];
  readonly latest: (readonly LatestEvent[])[];
}

const LAYOUT = 1;
const HEAD = 24;

export const emptyRing = ({ tiles, plan }: RingShape): Ring => ({
  newest: -1,
  tiles: new Array(tiles).fill(undefined),
  latest: plan.latest.map(() => []),
});

/** The number of the tile of an instant, in microseconds. */
export const tileAt = ({ tile }: RingShape, micros: number): number => Math.floor(micros / (tile * 1_000));

/** Adds what is not late. */
export function addToRing(ring: Ring, shape: RingShape, { tile, latest }: Addition): 'added' | 'late' {
  if (tile.number <= ring.newest - shape.tiles) return 'late';
  const place = tile.number % shape.tiles;
  const old = ring.tiles[place];
  // An older tile has left every window; a newer one cannot stand here, or this one would be late.
  const kept = old?.number === tile.number ? old : emptyTile(shape.plan, tile.number);
  addTile(kept, tile);
  ring.tiles[place] = kept;
  ring.newest = Math.max(ring.newest, tile.number);
  latest.forEach((events, at) => {
    ring.latest[at] = mergeLatest(ring.latest[at] ?? [], events, shape.plan.latest[at] ?? 0);
  });
  return 'added';
}

export function writeRing(ring: Ring, shape: RingShape): Buffer {
  const size = tileBytes(shape.plan);
  const fixed = Buffer.alloc(HEAD + size * shape.tiles);
  fixed[0] = LAYOUT;
  fixed[1] = shape.plan.series;
  fixed.writeUInt16LE(registersOf(shape.plan), 2);
  fixed.writeUInt32LE(shape.tiles, 4);
  fixed.writeDoubleLE(shape.tile * 1_000, 8);
  fixed.writeDoubleLE(ring.newest, 16);
  ring.tiles.forEach((tile, place) => {
    if (tile !== undefined) writeTile(fixed, HEAD + size * place, tile);
  });
  return Buffer.concat([fixed, ...ring.latest.flatMap(writeLatest)]);
}

/** An addition as it is sent: a tile, then the lists of latest events as in a ring. */
export function writeAddition({ tile, latest }: Addition, plan: RingShape['plan']): Buffer {
  const bytes = Buffer.alloc(tileBytes(plan));
  writeTile(bytes, 0, tile);
  return Buffer.concat([bytes, ...latest.flatMap(writeLatest)]);
}

/** The bytes of an event before its text. */
const EVENT_HEAD = 26;

/** A list of latest events. */
export function writeLatest(events: readonly LatestEvent[]): Buffer[] {
  const count = Buffer.alloc(2);
  count.writeUInt16LE(events.length);
  const written = events.map(({ time, sequence, second, index, source, text }) => {
    const bytes = Buffer.from(text);
    const head = Buffer.alloc(EVENT_HEAD);
    head.writeDoubleLE(time, 0);
    head.writeDoubleLE(sequence, 8);
    head.writeUInt32LE(second, 16);
    head.writeUInt16LE(index, 20);
    head.writeUInt16LE(source, 22);
    head.writeUInt16LE(bytes.length, 24);
    return Buffer.concat([head, bytes]);
  });
  return [count, ...written];
}

/** Null for bytes that are no ring of this shape. */
export function readRing(bytes: Buffer, shape: RingShape): Ring | null {
  const size = tileBytes(shape.plan);
  const fixed = HEAD + size * shape.tiles;
  const isRing =
    bytes.length >= fixed + 2 * shape.plan.latest.length &&
    bytes[0] === LAYOUT &&
    bytes[1] === shape.plan.series &&
    bytes.readUInt16LE(2) === registersOf(shape.plan) &&
    bytes.readUInt32LE(4) === shape.tiles &&
    bytes.readDoubleLE(8) === shape.tile * 1_000;
  if (!isRing) return null;
  const latest = readLists(bytes, fixed, shape.plan.latest.length);
  if (latest === null) return null;
  const ring = { ...emptyRing(shape), newest: bytes.readDoubleLE(16), latest };
  for (let place = 0; place < shape.tiles; place += 1) {
    const at = HEAD + size * place;
    if (bytes.readDoubleLE(at + 8) > 0) ring.tiles[place] = readTile(bytes, at, shape.plan);
  }
  return ring;
}

/** What `writeAddition` has written; null for other bytes. */
export function readAddition(bytes: Buffer, plan: RingShape['plan']): Addition | null {
  if (bytes.length < tileBytes(plan)) return null;
  const latest = readLists(bytes, tileBytes(plan), plan.latest.length);
  return latest && { tile: readTile(bytes, 0, plan), latest };
}

/** The lists of latest events; null if they do not end where the bytes do. */
function readLists(bytes: Buffer, from: number, count: number): LatestEvent[][] | null {
  const lists: LatestEvent[][] = [];
  let at = from;
  for (let list = 0; list < count; list += 1) {
    const events: LatestEvent[] = [];
    if (at + 2 > bytes.length) return null;
    const number = bytes.readUInt16LE(at);
    at += 2;
    for (let index = 0; index < number; index += 1) {
      if (at + EVENT_HEAD > bytes.length) return null;
      const end = at + EVENT_HEAD + bytes.readUInt16LE(at + 24);
      const [time, sequence] = [bytes.readDoubleLE(at), bytes.readDoubleLE(at + 8)];
      const [second, place, source] = [
        bytes.readUInt32LE(at + 16),
        bytes.readUInt16LE(at + 20),
        bytes.readUInt16LE(at + 22),
      ];
      const text = bytes.toString('utf8', at + EVENT_HEAD, end);
      events.push({ time, sequence, second, index: place, source, text });
      at = end;
    }
    lists.push(events);
  }
  return at === bytes.length ? lists : null;
}
