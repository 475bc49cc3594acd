/**
 * Positions on the earth, and areas in which they lie.
 *
 * Guarantees: a value that is no position reads as undefined. The 180th meridian is one, whether it is written as 180 or as -180, and
 * at a pole the longitude says nothing.
 */

/** In degrees: latitude from -90, in the south, to 90; longitude from -180 to 180, east of Greenwich above 0. */
export interface Position {
  readonly lat: number;
  readonly lon: number;
}

/** What lies not farther from a position than `radius`, in metres. */
export interface Circle extends Position {
  readonly radius: number;
}

/**
 * What lies between two latitudes and two longitudes, in degrees, from `west` eastwards to `east`: if `west` is the larger one, across
 * the 180th meridian.
 */
export interface Box {
  readonly south: number;
  readonly west: number;
  readonly north: number;
  readonly east: number;
}

/** Mean radius of the earth, in metres: distances are those on a sphere, which are wrong by 0.6 % at most. */
export const EARTH = 6_371_008.8;

export const isLatitude = (value: unknown): value is number =>
  typeof value === 'number' && value >= -90 && value <= 90;

export const isLongitude = (value: unknown): value is number =>
  typeof value === 'number' && value >= -180 && value <= 180;

export function positionOf(value: unknown): Position | undefined {
  const { lat, lon } = Object(value) as Partial<Record<string, unknown>>;
  return isLatitude(lat) && isLongitude(lon) ? { lat, lon } : undefined;
}

export const isPole = ({ lat }: Position): boolean => Math.abs(lat) === 90;

/** In the one way in which a meridian is written here. */
export const longitude = (lon: number): number => (lon === -180 ? 180 : lon);

/** Where a position lies on a sphere whose radius is 1; equal for equal positions. */
export function onSphere(position: Position): readonly [x: number, y: number, z: number] {
  if (isPole(position)) return [0, 0, Math.sign(position.lat)];
  const lat = (position.lat * Math.PI) / 180;
  const lon = (longitude(position.lon) * Math.PI) / 180;
  return [Math.cos(lat) * Math.cos(lon), Math.cos(lat) * Math.sin(lon), Math.sin(lat)];
}
