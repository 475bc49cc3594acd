/**
 * The course of a number since the page was opened: what a spark shows.
 *
 * Guarantees: at most 300 points each, one a second at most.
 */
const MOST = 300;
const LEAST_APART = 900;

interface Point {
  readonly at: number;
  readonly value: number;
}

const all = new Map<string, Point[]>();

/** Adds what a number is now, and gives its course. */
export function course(name: string, value: number | undefined): readonly Point[] {
  const points = all.get(name) ?? [];
  all.set(name, points);
  const last = points.at(-1);
  const now = Date.now();
  if (value !== undefined && (last === undefined || now - last.at >= LEAST_APART)) {
    points.push({ at: now, value });
    if (points.length > MOST) points.shift();
  }
  return points;
}

/** How much a total has grown in a second, over the last ten seconds of its course. */
export function rate(points: readonly Point[]): number | undefined {
  const last = points.at(-1);
  if (last === undefined) return undefined;
  const first = points.find(({ at }) => last.at - at <= 10_000);
  if (first === undefined || first === last) return undefined;
  return Math.max(0, ((last.value - first.value) * 1_000) / (last.at - first.at));
}
