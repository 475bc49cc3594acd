/**
 * Views: features of one entity that are written and read together, as one row for each id.
 *
 * Guarantees: a definition that cannot work throws a MisuseError where it is made, and names what is wrong.
 */
import {
  display,
  duration,
  flag,
  group,
  having,
  MisuseError,
  optional,
  passedOn,
  type Reader,
  type Readers,
  readOptions,
  text,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { readName } from '../options.js';
import type { Entity } from './entity.js';
import type { Fields } from './types.js';

/** What every kind of view declares. */
export interface CommonOptions<E extends Entity> {
  readonly entity: E;
  /**
   * The meaning of the features, from 1; default 1. Raise it when a feature means something else under the same name and
   * type, as when a function of a window is changed: rows of another version are of no use.
   */
  readonly version?: number;
  /** For how long after its event time a row is served, in ms, at most ten years. Default: for ever. */
  readonly ttl?: number;
  /** Whether reads go past every cache, with all else of the same entity. Default false. */
  readonly strict?: boolean;
  /**
   * Whether accepted rows are logged, without which there is no training set of them; or for how long at most, in ms, at least a
   * minute: `{ keep }`. What is older is dropped, also where no exporter has it. The log is that of all views, so it keeps
   * what the view with the longest time keeps, and everything if one has none. Default true: until an exporter has it.
   */
  readonly history?: boolean | { readonly keep: number };
  /** Who answers for the view, for people. */
  readonly owner?: string;
  /** What the view says, for people. */
  readonly description?: string;
}

export interface ViewOptions<E extends Entity, F extends Fields> extends CommonOptions<E> {
  /** Each feature with its type: 1 to 256 of up to 64 letters, digits and "_", the first no digit. */
  readonly fields: F;
}

/** How the values of a view come about: written as rows, summed up from events, or set as bits. */
export type ViewKind = 'rows' | 'windows' | 'flags';

/** A view of any kind. */
export interface View<Name extends string = string, E extends Entity = Entity, F extends Fields = Fields> {
  readonly kind: ViewKind;
  readonly name: Name;
  readonly entity: E;
  readonly fields: F;
  readonly version: number;
  readonly ttl: number | undefined;
  readonly strict: boolean;
  readonly history: boolean;
  /** For how long the log keeps what was accepted, in ms; undefined for as long as no exporter has it. */
  readonly keep: number | undefined;
  readonly owner: string | undefined;
  readonly description: string | undefined;
}

/** A view that is written as rows. */
export interface RowView<Name extends string = string, E extends Entity = Entity, F extends Fields = Fields>
  extends View<Name, E, F> {
  readonly kind: 'rows';
}

const MOST_FIELDS = 256;
const FIELD = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const TEN_YEARS = 10 * 365 * 86_400_000;

const keep = group({ keep: duration({ min: 60_000, max: TEN_YEARS }) });
const readHistory: Reader<boolean | { readonly keep: number }> = (option, value) =>
  typeof value === 'boolean' ? value : keep(option, value as { readonly keep: number });

/** Of the option, what a view has. */
export const historyOf = (history: boolean | { readonly keep: number }) =>
  typeof history === 'boolean' ? { history, keep: undefined } : { history: true, keep: history.keep };

/** The readers of what every kind of view declares. */
export const COMMON = {
  entity: having<Entity>(),
  version: withDefault(whole(1, 1e9), 1),
  ttl: optional(duration({ min: 1, max: TEN_YEARS })),
  strict: withDefault(flag, false),
  history: withDefault(readHistory, true),
  owner: optional(text('text that is not empty')),
  description: optional(text('text that is not empty')),
} satisfies Readers<CommonOptions<Entity>>;

const VIEW = { ...COMMON, fields: passedOn<Fields>() } satisfies Readers<ViewOptions<Entity, Fields>>;

/** A view that is written as rows. Throws MisuseError. */
export function view<const Name extends string, E extends Entity, F extends Fields>(
  name: Name,
  options: ViewOptions<E, F>,
): RowView<Name, E, F> {
  readName('The name of a view', name);
  const settings = readOptions(`The view "${name}"`, options, VIEW);
  requireFields(name, settings.fields);
  const { entity, fields } = options;
  return { ...settings, ...historyOf(settings.history), kind: 'rows', name, entity, fields };
}

/** Throws MisuseError unless these are features by name. */
export function requireFields(name: string, fields: unknown): asserts fields is Fields {
  const entries = typeof fields === 'object' && fields !== null ? Object.entries(fields) : [];
  if (entries.length === 0 || entries.length > MOST_FIELDS) {
    throw new MisuseError(`The view "${name}" has 1 to ${MOST_FIELDS} fields; got ${entries.length}.`);
  }
  for (const [field, type] of entries) {
    if (!FIELD.test(field) || field === '__proto__') {
      throw new MisuseError(
        `A field of the view "${name}" is named by 1 to 64 letters, digits and "_", the first no digit; got ${display(field)}.`,
      );
    }
    if (typeof Object(type).kind !== 'string') {
      throw new MisuseError(
        `The field "${field}" of the view "${name}" is a type, as t.int() or t.string().optional(); got ${display(type)}.`,
      );
    }
  }
}
