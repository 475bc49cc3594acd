/**
 * From events to additions: what each event contributes, and the sum of those of one entity and one tile, so that a hot
 * entity costs one addition, not one for each event.
 *
 * Guarantees: an event that cannot be counted is a RowError that names the feature and the value; it changes nothing.
 */
import type { Aggregate } from '../definition/aggregates.js';
import { type Place, placeOfId } from '../definition/entity.js';
import type { WindowsView } from '../definition/windows.js';
import { RowError } from '../errors.js';
import { microsOf } from '../row/header.js';
import { mergeLatest } from './latest.js';
import { type Addition, tileAt } from './ring.js';
import { addEvent, type Contribution, emptyTile } from './tile.js';

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
  const numbers = extractors.series.map((number, at) => {
    const value = number(event);
    if (Number.isFinite(value)) return value;
    throw new RowError(view.name, pathOf(view, at, SERIES), 'a finite number', value);
  });
  const texts = (functions: readonly ((event: unknown) => string)[], kinds: readonly Aggregate['kind'][]) =>
    functions.map((text, at) => {
      const value: unknown = text(event);
      if (typeof value === 'string' && Buffer.byteLength(value) <= MOST_BYTES) return value;
      throw new RowError(view.name, pathOf(view, at, kinds), `text of at most ${MOST_BYTES} bytes`, value);
    });
  const contribution = {
    ...{ time: microsOf(view.name, time(event)), source, sequence, second, index, numbers },
    distinct: texts(extractors.distinct, ['distinct']),
    latest: texts(extractors.latest, ['latest']),
  };
  return { place, contribution };
}

const SERIES = ['sum', 'min', 'max', 'mean', 'last'] as const;

/** The first feature that takes a function. */
function pathOf({ fields }: WindowsView, of: number, kinds: readonly Aggregate['kind'][]): string {
  const found = Object.entries(fields).find(
    ([, { aggregate }]) => kinds.includes(aggregate.kind) && 'of' in aggregate && aggregate.of === of,
  );
  return `fields.${found?.[0]}`;
}

/** The additions of contributions to one entity, in the order of the first one of each tile. */
export function additionsOf(
  { tile, tiles, plan }: WindowsView,
  events: readonly Contribution[],
): readonly Addition[] {
  const additions = new Map<number, { -readonly [Part in keyof Addition]: Addition[Part] }>();
  for (const event of events) {
    const number = tileAt({ tile, tiles, plan }, event.time);
    const addition = additions.get(number) ?? {
      tile: emptyTile(plan, number),
      latest: plan.latest.map(() => []),
    };
    additions.set(number, addition);
    addEvent(addition.tile, plan, event);
    const { time, source, sequence, second, index } = event;
    addition.latest = addition.latest.map((list, at) =>
      mergeLatest(
        list,
        [{ time, source, sequence, second, index, text: event.latest[at] as string }],
        plan.latest[at] ?? 0,
      ),
    );
  }
  return [...additions.values()];
}
