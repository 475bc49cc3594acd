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

interface Bin {
  readonly upTo?: number | undefined;
  readonly before: number;
  readonly now: number;
}

/** Shares by bin, before in grey and now in front of it. */
export function Bins({ of, label }: { readonly of: readonly Bin[]; readonly label: string }) {
  if (of.length === 0) return <>–</>;
  const most = Math.max(...of.flatMap(({ before, now }) => [before, now]));
  const width = 100 / of.length;
  const percent = (share: number): string => `${number(Math.round(100 * share))} %`;
  const said = of.map(({ before, now }) => `${percent(before)} to ${percent(now)}`).join(', ');
  return (
    <svg
      class="bins"
      viewBox="0 0 100 28"
      preserveAspectRatio="none"
      role="img"
      aria-label={`Shares of ${label} by tenths of the baseline, before to now: ${said}`}
    >
      {of.map(({ before, now }, at) => (
        <g key={at}>
          <rect
            class="before"
            x={at * width}
            y={28 - (before / most) * 28}
            width={width * 0.9}
            height={(before / most) * 28}
          />
          <rect
            class="now"
            x={(at + 0.25) * width}
            y={28 - (now / most) * 28}
            width={width * 0.4}
            height={(now / most) * 28}
          />
        </g>
      ))}
    </svg>
  );
}
