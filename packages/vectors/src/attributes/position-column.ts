/**
 * Of one attribute: the position of each document.
 *
 * An area reads all of them, in one run through memory and without trigonometry: beside each position its place on a sphere is
 * kept, and a distance on the sphere is compared as the straight one through it.
 */
import type { Bits } from './bitmap.js';
import { roomFor } from './number-column.js';
import { type Box, type Circle, EARTH, isPole, longitude, onSphere, positionOf } from './position.js';

/** Half of the way round the earth, in metres: nothing is farther. */
const FARTHEST = Math.PI * EARTH;

export class PositionColumn {
  /** Latitude, longitude, and the place on the sphere; NaN for none. At a pole the longitude alone is NaN. */
  #values: readonly [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array] = [
    new Float64Array(0),
    new Float64Array(0),
    new Float64Array(0),
    new Float64Array(0),
    new Float64Array(0),
  ];

  add(number: number, given: unknown): void {
    const position = positionOf(given);
    if (position === undefined) return;
    const [lat, lon, x, y, z] = this.#values;
    this.#values = [
      roomFor(lat, number),
      roomFor(lon, number),
      roomFor(x, number),
      roomFor(y, number),
      roomFor(z, number),
    ];
    const meridian = isPole(position) ? Number.NaN : longitude(position.lon);
    for (const [at, value] of [position.lat, meridian, ...onSphere(position)].entries())
      this.#values[at]![number] = value;
  }

  remove(number: number): void {
    for (const values of this.#values) if (number < values.length) values[number] = Number.NaN;
  }

  inCircle({ radius, ...centre }: Circle, words: number): Bits {
    const [, , x, y, z] = this.#values;
    // Seen from the other side of the earth, what is far from the centre is near: straight lines to it are told apart more exactly.
    const isFar = radius > FARTHEST / 2;
    const side = isFar ? -1 : 1;
    const [cx, cy, cz] = onSphere(centre).map((each) => side * each) as [number, number, number];
    const way = isFar ? Math.max(0, FARTHEST - radius) : radius;
    const most = (2 * Math.sin(way / (2 * EARTH))) ** 2;
    return bitsOf(x.length, words, (at) => {
      const distance = (x[at]! - cx) ** 2 + (y[at]! - cy) ** 2 + (z[at]! - cz) ** 2;
      return isFar ? Number(distance >= most) : Number(distance <= most);
    });
  }

  inBox({ south, west, north, east }: Box, words: number): Bits {
    const [lats, lons] = this.#values;
    const isAcross = west > east;
    const isFromEnd = west === -180; // which is 180, too
    return bitsOf(lats.length, words, (at) => {
      const [lat, lon] = [lats[at]!, lons[at]!];
      const [isFrom, isTo] = [Number(lon >= west), Number(lon <= east)];
      const isBetween = isAcross ? isFrom | isTo : isFrom & isTo;
      const isAnyway = Number(isFromEnd && lon === 180) | Number(Number.isNaN(lon));
      return Number(lat >= south) & Number(lat <= north) & (isBetween | isAnyway);
    });
  }

  get bytes(): number {
    return this.#values.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }
}

/** A bit for each number below `end` for which `test` is 1. */
function bitsOf(end: number, words: number, test: (at: number) => number): Bits {
  const bits = new Uint32Array(words);
  const most = Math.min(end, 32 * words);
  for (let at = 0; at < most; at++) bits[at >>> 5]! |= test(at) << (at & 31);
  return bits;
}
