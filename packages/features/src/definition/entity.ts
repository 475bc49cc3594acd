/**
 * Entities: the kinds of things that features describe, and the ids under which their rows lie.
 *
 * Guarantees: two ids of an entity that differ have different texts, also composite ones. An id that cannot stand in a
 * Redis key throws a RowError that names it.
 */
import { display, MisuseError } from '@holdfast/kernel';
import { RowError } from '../errors.js';
import { readName } from '../options.js';

/** The kind of thing that a view describes. `Part` is the name of each part of its ids. */
export interface Entity<Name extends string = string, Part extends string = string> {
  readonly name: Name;
  /** The names of the parts of an id: one for most entities, several for composite ones, none for `global`. */
  readonly parts: readonly Part[];
}

/** A kind of thing that has an id of its own. Throws MisuseError for a name that is none. */
export function entity<Name extends string>(name: Name): Entity<Name, Name>;
/** A combination of such things, as of a user and a product. Its rows lie in the partition of its first part. */
export function entity<Name extends string, Part extends string>(
  name: Name,
  parts: readonly Entity<Part, Part>[],
): Entity<Name, Part>;
export function entity(name: string, of?: readonly Entity[]): Entity {
  readName('The name of an entity', name);
  if (name === global.name) throw new MisuseError('The entity "global" exists; import it as `global`.');
  if (of === undefined) return { name, parts: [name] };
  const parts = Array.isArray(of) ? of.flatMap((each) => Object(each).parts ?? []) : [];
  if (
    parts.length < 2 ||
    parts.length > 8 ||
    parts.length !== of.length ||
    new Set(parts).size !== of.length
  ) {
    throw new MisuseError(
      `The entity "${name}" has 2 to 8 parts that are entities with ids of their own, each once; got ${display(of)}.`,
    );
  }
  return { name, parts };
}

/** The entity that is there once: its views have one row. */
export const global: Entity<'global', never> = { name: 'global', parts: [] };

/** An id as it stands in a Redis key, and the part of it that decides the partition. */
export interface Place {
  readonly id: string;
  readonly by: string;
}

/** The ids that a view of the entity needs: `{ user: 'u1' }`, and `{}` for `global`. */
export type Ids<E extends Entity> = { readonly [Part in E['parts'][number]]: string };

/** The id itself, where an entity has one part; otherwise its parts by name. */
export type Id<E extends Entity> = [E['parts'][number]] extends [never]
  ? undefined
  : E['name'] extends E['parts'][number]
    ? string
    : Ids<E>;

const LONGEST = 256;
/** Half of a character, which UTF-8 cannot express. */
const HALF = /\p{Cs}/u;

/** Where the row of an id lies. `view` is named by the RowError that is thrown for an id that cannot be one. */
export function placeOf(view: string, of: Entity, ids: Readonly<Record<string, unknown>>): Place {
  const [first, ...others] = of.parts;
  if (first === undefined) return { id: of.name, by: of.name };
  const by = requireId(view, first, ids[first]);
  if (others.length === 0) return { id: by, by };
  const rest = others.map((part) => escaped(requireId(view, part, ids[part])));
  return { id: [escaped(by), ...rest].join('/'), by };
}

/** The same for an id as rows have it: that of an entity of one part may be text. */
export function placeOfId(view: string, of: Entity, id: unknown): Place {
  const { parts } = of;
  if (typeof id !== 'string' || parts.length !== 1) return placeOf(view, of, idsOf(of, id));
  const by = requireId(view, parts[0] ?? '', id);
  return { id: by, by };
}

/** The ids by name, as `placeOf` takes them: an entity of one part may be given as text. */
export function idsOf(of: Entity, id: unknown): Readonly<Record<string, unknown>> {
  return typeof id === 'object' && id !== null
    ? (id as Record<string, unknown>)
    : { [of.parts[0] ?? of.name]: id };
}

/** The id as a program gives it, of one as it stands in a Redis key. */
export function readId({ parts }: Entity, id: string): unknown {
  if (parts.length < 2) return parts.length === 0 ? undefined : id;
  const pieces = id.split('/').map((piece) => piece.replaceAll('%2F', '/').replaceAll('%25', '%'));
  return Object.fromEntries(parts.map((part, at) => [part, pieces[at]]));
}

/** So that the separator ends a part, whatever the part contains. */
const escaped = (part: string): string => part.replaceAll('%', '%25').replaceAll('/', '%2F');

function requireId(view: string, part: string, value: unknown): string {
  if (typeof value === 'string' && isShortAscii(value)) return value;
  const fits = typeof value === 'string' && value !== '' && value.length <= LONGEST;
  if (fits && Buffer.byteLength(value) <= LONGEST && !HALF.test(value)) return value;
  throw new RowError(view, `the id of "${part}"`, `well-formed text of 1 to ${LONGEST} bytes`, value);
}

/** What most ids are. Those need none of the checks that take longer. */
function isShortAscii(text: string): boolean {
  if (text === '' || text.length > LONGEST) return false;
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}
