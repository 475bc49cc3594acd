/**
 * The axis of a waterfall: from moments to places, with idle time folded.
 *
 * Guarantees: pure. A time in which no attempt went on, and that is longer than a twentieth of the whole, takes a twentieth of
 * the breadth, and is marked.
 */
import type { WaterfallRow } from '@holdfast/client';

interface Span {
  readonly from: number;
  readonly to: number;
}

interface Fold extends Span {
  /** In percent of the breadth. */
  readonly at: number;
}

export interface Axis {
  readonly from: number;
  readonly to: number;
  /** In percent of the breadth. */
  readonly at: (moment: number) => number;
  readonly folds: readonly Fold[];
}

const LONG = 0.05;

/** Undefined if no attempt is known. `now`: for a run that goes on. */
export function axisOf(
  rows: readonly WaterfallRow[],
  started: number | undefined,
  now?: number,
): Axis | undefined {
  const spans = rows
    .flatMap(({ began, ended }) =>
      began === undefined || ended === undefined ? [] : [{ from: began, to: ended }],
    )
    .sort((a, b) => a.from - b.from);
  const [first] = spans;
  if (first === undefined) return undefined;
  const from = Math.min(started ?? first.from, first.from);
  const to = Math.max(now ?? from, ...spans.map((span) => span.to), from + 1);
  const gaps = gapsOf(spans, { from, to }).filter((gap) => gap.to - gap.from > LONG * (to - from));
  const idle = gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  const folded = LONG * gaps.length;
  const busy = Math.max(1, to - from - idle);
  const at = (moment: number): number => {
    let [passed, place] = [Math.min(Math.max(moment, from), to) - from, 0];
    for (const gap of gaps) {
      if (moment <= gap.from) break;
      const inside = Math.min(moment, gap.to) - gap.from;
      passed -= inside;
      place += LONG * (inside / (gap.to - gap.from));
    }
    return 100 * (place + (1 - folded) * (passed / busy));
  };
  return { from, to, at, folds: gaps.map((gap) => ({ ...gap, at: at((gap.from + gap.to) / 2) })) };
}

function gapsOf(spans: readonly Span[], whole: Span): Span[] {
  const gaps: Span[] = [];
  let busyTo = whole.from;
  for (const { from, to } of spans) {
    if (from > busyTo) gaps.push({ from: busyTo, to: from });
    busyTo = Math.max(busyTo, to);
  }
  if (whole.to > busyTo) gaps.push({ from: busyTo, to: whole.to });
  return gaps;
}
