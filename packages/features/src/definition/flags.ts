/**
 * Flags: a view of booleans about entities with integer ids, one bit for each. They have no event time: the last one
 * to be written wins.
 */
import { fitting, type Readers, readOptions } from '@holdfast/kernel';
import { readName } from '../options.js';
import type { Entity } from './entity.js';
import { type FeatureType, t } from './types.js';
import { COMMON, type CommonOptions, requireFields, type View } from './view.js';

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
  return {
    ...settings,
    kind: 'flags',
    name,
    entity: options.entity,
    fields,
    ttl: undefined,
    strict: false,
  };
}
