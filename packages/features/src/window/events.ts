/**
 * What an event contributes to windows: the entity that it is about, its time, and what is counted of it.
 *
 * Guarantees: an event that cannot be counted is a RowError that names the feature and the value; it changes nothing.
 */
import type { Aggregate } from '../definition/aggregates.js';
import { type Place, placeOfId } from '../definition/entity.js';
import type { WindowsView } from '../definition/windows.js';
import { RowError } from '../errors.js';
import { microsOf } from '../row/header.js';
import type { Contribution } from './tile.js';

/** Where an event stands in its source: the offset of its record in two parts, and which of the events of its record it is. */
export interface EventPlace {
  readonly source: number;
  readonly sequence: number;
  readonly second?: number;
  readonly index?: number;
}

/** The most bytes of a text that is counted or kept. */
const MOST_BYTES = 256;

/** Reads what windows need of an event that fits their schema. Throws RowError. */
export function contributionOf(
  view: WindowsView,
  event: unknown,
  { source, sequence, second = 0, index = 0 }: EventPlace,
): { readonly place: Place; readonly contribution: Contribution } {
  const { key, time, extractors } = view.events;
  const place = placeOfId(view.name, view.entity, key(event));
  const { series, distinct, latest } = extractors;
  const numbers: number[] = [];
  for (let at = 0; at < series.length; at += 1) {
    const value: unknown = series[at]?.(event);
    if (!Number.isFinite(value))
      throw new RowError(view.name, pathOf(view, at, SERIES), 'a finite number', value);
    numbers.push(value as number);
  }
  const contribution = {
    time: microsOf(view.name, time(event)),
    source,
    sequence,
    second,
    index,
    numbers,
    distinct: distinct.length === 0 ? NO_TEXTS : textsOf(view, event, distinct, ['distinct']),
    latest: latest.length === 0 ? NO_TEXTS : textsOf(view, event, latest, ['latest']),
  };
  return { place, contribution };
}

const NO_TEXTS: readonly string[] = [];

const textsOf = (
  view: WindowsView,
  event: unknown,
  functions: readonly ((event: unknown) => string)[],
  kinds: readonly Aggregate['kind'][],
): readonly string[] =>
  functions.map((text, at) => {
    const value: unknown = text(event);
    if (typeof value === 'string' && Buffer.byteLength(value) <= MOST_BYTES) return value;
    throw new RowError(view.name, pathOf(view, at, kinds), `text of at most ${MOST_BYTES} bytes`, value);
  });

const SERIES = ['sum', 'min', 'max', 'mean', 'last'] as const;

/** The first feature that takes a function. */
function pathOf({ fields }: WindowsView, of: number, kinds: readonly Aggregate['kind'][]): string {
  const found = Object.entries(fields).find(
    ([, { aggregate }]) => kinds.includes(aggregate.kind) && 'of' in aggregate && aggregate.of === of,
  );
  return `fields.${found?.[0]}`;
}
