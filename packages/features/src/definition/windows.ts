/**
 * Windows: views whose features are counts, sums and the like over the latest events of an entity. Events are summed up
 * in tiles, equal spans of time, and a window consists of whole tiles.
 *
 * Guarantees: the tiles that are kept suffice for the longest window at every moment up to `lateness` ago, also while
 * events up to `ahead` in the future are there. An event that is later than that is counted as late, and not summed up.
 */
import {
  callback,
  duration,
  MisuseError,
  type Readers,
  readOptions,
  readSchema,
  type Schema,
  withDefault,
} from '@holdfast/kernel';
import { readName } from '../options.js';
import { collect, type Extractors, type On, type WindowPlan, type WindowType } from './aggregates.js';
import type { Entity, Id } from './entity.js';
import { COMMON, type CommonOptions, historyOf, requireFields, type View } from './view.js';

export type WindowFields = Readonly<Record<string, WindowType<unknown>>>;

/** Windows have no TTL: what is in none of them any more is not served. */
export interface WindowsOptions<E extends Entity, Event, F extends WindowFields>
  extends Omit<CommonOptions<E>, 'ttl'> {
  /** The length of a tile, in ms, 1000 to a day. A window covers its length less at most one tile. */
  readonly tile: number;
  /** How late events may come and still be counted wherever they belong, in ms. Default 0. */
  readonly lateness?: number;
  /** How far in the future the time of an event may be, in ms. Default 300000. */
  readonly ahead?: number;
  /** The schema of events, which gives their type. */
  readonly event: Schema<unknown, Event>;
  /** The id of the entity that an event is about. */
  readonly key: (event: Event) => Id<E>;
  /** When the event happened: a date, or milliseconds since the epoch. */
  readonly time: (event: Event) => Date | number;
  readonly fields: (on: On<Event>) => F;
}

/** A view of windows over events. */
export interface WindowsView<
  Name extends string = string,
  E extends Entity = Entity,
  F extends WindowFields = WindowFields,
> extends View<Name, E, F> {
  readonly kind: 'windows';
  readonly tile: number;
  readonly lateness: number;
  readonly ahead: number;
  readonly plan: WindowPlan;
  /** How many tiles a ring has. */
  readonly tiles: number;
  readonly events: EventReader;
}

/** How events are read; `unknown` because a store keeps windows over events of many types. */
interface EventReader {
  readonly schema: Schema<unknown, unknown>;
  readonly key: (event: unknown) => unknown;
  readonly time: (event: unknown) => Date | number;
  readonly extractors: Extractors<unknown>;
}

const DAY = 86_400_000;
const MOST_TILES = 10_000;

const { ttl: _, ...SHARED } = COMMON;

const WINDOWS = {
  ...SHARED,
  tile: duration({ min: 1_000, max: DAY }),
  lateness: withDefault(duration(), 0),
  ahead: withDefault(duration(), 300_000),
  event: readSchema as () => Schema,
  key: callback<() => string>('an event'),
  time: callback<() => number>('an event'),
  fields: callback<(on: unknown) => WindowFields>('`on`'),
} satisfies Readers<WindowsOptions<Entity, unknown, WindowFields>>;

/** A view of windows over events. Throws MisuseError. */
export function windows<const Name extends string, E extends Entity, Event, F extends WindowFields>(
  name: Name,
  options: WindowsOptions<E, Event, F>,
): WindowsView<Name, E, F> {
  readName('The name of a view', name);
  const settings = readOptions(`The windows "${name}"`, options, WINDOWS);
  const { event: schema, key, time, fields: __, ...rest } = settings;
  const { on, plan, extractors } = collect<Event>(name, settings.tile);
  const fields = options.fields(on);
  requireFields(name, fields);
  const events = { schema, key, time, extractors } as unknown as EventReader;
  const tiles = tilesOf(name, fields, settings);
  const view = {
    ...rest,
    ...historyOf(rest.history),
    kind: 'windows' as const,
    ttl: undefined,
    name,
    entity: options.entity,
  };
  return { ...view, fields, plan: plan(), tiles, events };
}

/** Enough for the longest window, what may come late, what may be ahead, and the tile that is being filled. */
function tilesOf(
  name: string,
  fields: WindowFields,
  { tile, lateness, ahead }: { readonly tile: number; readonly lateness: number; readonly ahead: number },
): number {
  const lengths = Object.entries(fields).map(([field, { aggregate }]) => {
    if (aggregate === undefined) {
      throw new MisuseError(
        `The field "${field}" of the windows "${name}" comes from \`on\`, as on.count(…).`,
      );
    }
    return 'over' in aggregate ? aggregate.over : 0;
  });
  const tiles = Math.ceil((Math.max(...lengths) + lateness + ahead) / tile) + 1;
  if (tiles <= MOST_TILES) return tiles;
  throw new MisuseError(
    `The windows "${name}" would keep ${tiles} tiles for each id, and ${MOST_TILES} are the most; take a longer tile.`,
  );
}
