/**
 * Flags: a view of booleans about entities with integer ids, one bit for each. They have no event time: the last one
 * to arrive wins. An id that was never written has no flag set.
 *
 * The bits of one flag lie in chunks of 32768 ids, each a string in Redis of up to 4 KB.
 */
import { fitting, MisuseError, type Readers, readOptions } from '@holdfast/kernel';
import { RowError } from '../errors.js';
import { readName } from '../options.js';
import { type Entity, placeOf } from './entity.js';
import { type FeatureType, t } from './types.js';
import { COMMON, type CommonOptions, historyOf, requireFields, type View } from './view.js';

export interface FlagsOptions<E extends Entity, Flag extends string>
  extends Omit<CommonOptions<E>, 'ttl' | 'strict'> {
  /** The names of the flags, as of fields. */
  readonly flags: readonly Flag[];
}

type FlagFields<Flag extends string> = { readonly [F in Flag]: FeatureType<boolean, boolean, false> };

/** A view of booleans about entities with integer ids. */
export interface FlagsView<
  Name extends string = string,
  E extends Entity = Entity,
  Flag extends string = string,
> extends View<Name, E, FlagFields<Flag>> {
  readonly kind: 'flags';
}

const { ttl: _, strict: __, ...SHARED } = COMMON;
const FLAGS = {
  ...SHARED,
  flags: fitting<readonly string[]>(
    'a list of names, each once',
    (names) => Array.isArray(names) && new Set(names).size === names.length,
  ),
} satisfies Readers<FlagsOptions<Entity, string>>;

/** A view of booleans about entities with integer ids. Throws MisuseError. */
export function flags<const Name extends string, E extends Entity, const Flag extends string>(
  name: Name,
  options: FlagsOptions<E, Flag>,
): FlagsView<Name, E, Flag> {
  readName('The name of a view', name);
  const { flags: names, ...settings } = readOptions(`The view "${name}"`, options, FLAGS);
  const fields = Object.fromEntries(names.map((flag) => [flag, t.bool()])) as unknown as FlagFields<Flag>;
  requireFields(name, fields);
  if (Object(options.entity).parts?.length !== 1) {
    throw new MisuseError(
      `The view "${name}" has flags, so its entity has ids of one part, which are whole numbers; "${options.entity?.name}" has not.`,
    );
  }
  return {
    ...settings,
    ...historyOf(settings.history),
    kind: 'flags',
    name,
    entity: options.entity,
    fields,
    ttl: undefined,
    strict: false,
  };
}

/** The ids of which one chunk has the bits. */
const CHUNK = 32_768;

/** Where the flags of an id are. */
interface BitPlace {
  readonly id: string;
  readonly chunk: number;
  readonly bit: number;
}

/** Throws RowError for what is no whole number in decimal digits, up to 2^53 - 1. */
export function bitOf({ name, entity }: FlagsView, ids: Readonly<Record<string, unknown>>): BitPlace {
  const { id } = placeOf(name, entity, ids);
  if (isNumber(id)) return { id, chunk: chunkOf(id), bit: bitIn(id) };
  const expected = 'a whole number in decimal digits, from "0" to 2^53 - 1, as for all flags';
  throw new RowError(name, `the id of "${entity.parts[0]}"`, expected, id);
}

/** Whether an id can have flags. */
export const isNumber = (id: string): boolean =>
  /^(?:0|[1-9]\d{0,15})$/.test(id) && Number.isSafeInteger(Number(id));

/** The chunk of such an id. */
export const chunkOf = (id: string): number => Math.floor(Number(id) / CHUNK);

/** The bit of such an id in its chunk. */
export const bitIn = (id: string): number => Number(id) % CHUNK;

/** Stands in the key of a chunk where the id of a row stands in that of a row. */
export const chunkName = (flag: string, chunk: number): string => `${flag}.${chunk}`;

/** Whether a view is one of flags. */
export const isFlags = (view: View): view is FlagsView => view.kind === 'flags';
