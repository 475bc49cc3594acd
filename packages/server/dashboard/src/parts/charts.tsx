/** Charts of our own in SVG: their colours are those of the theme, and a reader of screens is told what they show. */
import { number } from '../format.js';

interface Point {
  readonly at: number;
  readonly value: number;
}

/** The course of a number, without axes. */
export function Spark({ points, label }: { readonly points: readonly Point[]; readonly label: string }) {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || first === last) return <svg class="spark" aria-hidden="true" />;
  const span = last.at - first.at;
  const most = Math.max(...points.map(({ value }) => value), 1);
  const steps = points.map(
    ({ at, value }) =>
      `${(((at - first.at) / span) * 100).toFixed(2)},${(26 - (value / most) * 24).toFixed(2)}`,
  );
  return (
    <svg
      class="spark"
      viewBox="0 0 100 28"
      preserveAspectRatio="none"
      role="img"
      aria-label={`${label}: from ${number(first.value)} to ${number(last.value)}, at most ${number(most)}`}
    >
      <path d={`M${steps.join('L')}`} />
    </svg>
  );
}
