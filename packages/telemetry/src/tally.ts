/**
 * The values that instruments have recorded, kept in memory for `/metrics` of a program without an OpenTelemetry SDK.
 *
 * Guarantees: nothing is kept while nobody listens. An instrument has at most 1,000 combinations of attributes; any
 * more are not counted.
 */
import type { Attributes } from '@opentelemetry/api';
import type { InstrumentDeclaration } from './declarations.js';
import { type Family, type Sample, writeFamily } from './prometheus.js';

const MAX_SERIES = 1_000;

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  sum: number;
  count: number;
  /** How many values were at most the bound in the same place. */
  readonly buckets: number[];
}

const kept = new Map<InstrumentDeclaration, Map<string, Series>>();
let listeners = 0;

export const isTallying = (): boolean => listeners > 0;

/**
 * Keeps what is recorded from now on. Returns a function that ends that; the last one to be called empties the memory.
 */
export function beginTally(): () => void {
  let ended = false;
  listeners += 1;
  return () => {
    if (ended) return;
    ended = true;
    listeners -= 1;
    if (listeners === 0) kept.clear();
  };
}

/** What was recorded while it was open. */
export interface Tally {
  /** In the text format of Prometheus. */
  text(): string;
  close(): void;
}

/** Keeps what is recorded from now on, for a server that has `/metrics` of its own. */
export function openTally(): Tally {
  return { text: tallyText, close: beginTally() };
}

export function tally(declaration: InstrumentDeclaration, value: number, attributes: Attributes): void {
  const series = seriesOf(declaration, attributes);
  if (series === undefined) return;
  series.sum += value;
  series.count += 1;
  const { bounds = [] } = declaration;
  for (let place = 0; place < bounds.length; place += 1)
    if (value <= (bounds[place] as number)) series.buckets[place] = (series.buckets[place] ?? 0) + 1;
}

function seriesOf(declaration: InstrumentDeclaration, attributes: Attributes): Series | undefined {
  let all = kept.get(declaration);
  if (all === undefined) {
    all = new Map();
    kept.set(declaration, all);
  }
  let key = '';
  for (const name in attributes) key += `${name}\0${attributes[name]}\0`;
  const known = all.get(key);
  if (known !== undefined || all.size >= MAX_SERIES) return known;
  const entries = Object.entries(attributes).map(([name, value]) => [name, String(value)] as const);
  const buckets = (declaration.bounds ?? []).map(() => 0);
  const series = { labels: Object.fromEntries(entries), sum: 0, count: 0, buckets };
  all.set(key, series);
  return series;
}

/** All values that were kept, in the text format of Prometheus. */
export function tallyText(): string {
  return [...kept]
    .map(([declaration, all]) => writeFamily(familyOf(declaration, [...all.values()])))
    .join('');
}

function familyOf(declaration: InstrumentDeclaration, all: readonly Series[]): Family {
  const { name, unit, kind, description, bounds = [] } = declaration;
  if (kind !== 'histogram') {
    const type = kind === 'counter' ? 'counter' : 'gauge';
    return { name, unit, type, description, samples: all.map(({ labels, sum }) => ({ labels, value: sum })) };
  }
  return {
    name,
    unit,
    type: 'histogram',
    description,
    samples: all.flatMap((series) => samplesOf(series, bounds)),
  };
}

function samplesOf({ labels, sum, count, buckets }: Series, bounds: readonly number[]): Sample[] {
  const bounded = bounds.map((le, place) => ({ le: String(le), value: buckets[place] ?? 0 }));
  return [
    ...[...bounded, { le: '+Inf', value: count }].map(({ le, value }) => ({
      ...{ labels: { ...labels, le }, value, suffix: '_bucket' },
    })),
    { labels, value: sum, suffix: '_sum' },
    { labels, value: count, suffix: '_count' },
  ];
}
