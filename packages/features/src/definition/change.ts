/**
 * What differs between a definition that is registered and that of a program, and what follows from it.
 *
 * Guarantees: a change is called compatible only if rows that are stored keep their meaning under the new definition.
 * Where a change does not concern how rows lie, their schema keeps its number.
 */
import { DefinitionMismatchError, type Difference } from '../errors.js';
import { type RowSchema, type StoredService, type StoredView, schemaOf } from './stored.js';

/**
 * `compatible`: rows that are stored are served under the new definition, with null for a field that is new. `lossy`:
 * so too, but values that are served now would be served no longer. `incompatible`: the rows have to be written anew, in
 * a new generation.
 */
export type Effect = 'new' | 'same' | 'compatible' | 'lossy' | 'incompatible';

/** What becomes of a registered definition. */
export interface Change {
  readonly effect: Effect;
  readonly differences: readonly Difference[];
  /** What is registered then. */
  readonly next: StoredView;
}

type Found = Difference & { readonly effect: 'compatible' | 'lossy' | 'incompatible' };

const MOST_SCHEMAS = 65_535;

/** Compares the definition of a program with the registered one, undefined if there is none. */
export function compare(registered: StoredView | undefined, declared: StoredView): Change {
  if (registered === undefined) return { effect: 'new', differences: [], next: declared };
  const found = [...properties(registered, declared), ...fields(registered, declared)];
  const effects = found.map(({ effect }) => effect);
  const effect = (['incompatible', 'lossy', 'compatible'] as const).find((each) => effects.includes(each));
  const differences = found.map(({ effect: _, ...difference }) => difference);
  const next = { ...declared, schemas: schemasAfter(registered, declared) };
  return { effect: effect ?? 'same', differences, next };
}

/**
 * Refuses a change that stored rows cannot follow. `force` allows a lossy one. Throws DefinitionMismatchError.
 */
export function requireFollowable(
  { effect, differences, next }: Change,
  { force }: { readonly force: boolean },
) {
  const what = `view "${next.name}"`;
  if (effect === 'incompatible') {
    const advice = 'Rows that are stored cannot follow; begin a new generation of the view.';
    throw new DefinitionMismatchError(what, differences, advice);
  }
  if (effect === 'lossy' && !force) {
    const advice =
      'Values that are served now would be served no longer; apply it with force if that is meant.';
    throw new DefinitionMismatchError(what, differences, advice);
  }
}

/** A version of a service, compared with those that are registered. */
export interface ServiceChange {
  readonly effect: 'new' | 'same';
  /** The registered version that it was compared with: the same one, or else the highest; undefined if there is none. */
  readonly comparedWith: number | undefined;
  readonly differences: readonly Difference[];
}

/**
 * Compares a version of a service with the registered versions of that service. Throws DefinitionMismatchError if that version
 * is registered and is another service.
 */
export function compareService(registered: readonly StoredService[], declared: StoredService): ServiceChange {
  const known = registered.find(({ version }) => version === declared.version);
  const highest = registered.reduce<StoredService | undefined>(
    (one, other) => (one === undefined || other.version > one.version ? other : one),
    undefined,
  );
  const other = known ?? highest;
  if (other === undefined) return { effect: 'new', comparedWith: undefined, differences: [] };
  const differences = [
    ...compared('views', other.views, declared.views),
    ...compared('takesRequest', other.takesRequest, declared.takesRequest),
    ...compared('derives', other.derives, declared.derives),
  ];
  if (known !== undefined && differences.length > 0) {
    const next = (highest?.version ?? declared.version) + 1;
    const advice = `Give it version ${next}; programs of both versions are served.`;
    throw new DefinitionMismatchError(`service "${declared.name}@${declared.version}"`, differences, advice);
  }
  return { effect: known === undefined ? 'new' : 'same', comparedWith: other.version, differences };
}

/** A new schema only where the fields lie in another way. */
function schemasAfter(registered: StoredView, declared: StoredView): readonly RowSchema[] {
  const { schemas } = registered;
  const latest = schemas.at(-1);
  const { seed } = schemaOf(0, declared.fields);
  if (latest?.seed === seed) return schemas;
  const number = (latest?.number ?? 0) + 1;
  if (number > MOST_SCHEMAS) {
    const advice = `It has had ${MOST_SCHEMAS} schemas, which is the most; define a view of another name.`;
    throw new DefinitionMismatchError(`view "${declared.name}"`, [], advice);
  }
  return [...schemas, schemaOf(number, declared.fields)];
}

function properties(registered: StoredView, declared: StoredView): Found[] {
  const of = (name: keyof StoredView, effect: Found['effect']): Found[] =>
    compared(name, registered[name], declared[name]).map((each) => ({ ...each, effect }));
  const isShorter = (declared.ttl ?? Infinity) < (registered.ttl ?? Infinity);
  return [
    ...of('kind', 'incompatible'),
    ...of('entity', 'incompatible'),
    ...of('version', 'incompatible'),
    ...of('ring', 'incompatible'),
    ...of('ttl', isShorter ? 'lossy' : 'compatible'),
    ...of('strict', 'compatible'),
    ...of('history', 'compatible'),
    ...of('keep', 'compatible'),
    ...of('owner', 'compatible'),
    ...of('description', 'compatible'),
  ];
}

function fields(registered: StoredView, declared: StoredView): Found[] {
  const before = new Map(registered.fields.map((field) => [field.name, field]));
  const after = new Map(declared.fields.map((field) => [field.name, field]));
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name): Found[] => {
    const [one, other] = [before.get(name), after.get(name)];
    const path = `fields.${name}`;
    if (one === undefined) return [found(path, undefined, other?.kind, 'compatible')];
    if (other === undefined) return [found(path, one.kind, undefined, 'lossy')];
    return [
      ...compared(`${path}.kind`, one.kind, other.kind),
      ...compared(`${path}.size`, one.size, other.size),
      ...compared(`${path}.aggregate`, one.aggregate, other.aggregate),
    ]
      .map((each): Found => ({ ...each, effect: 'incompatible' }))
      .concat(
        compared(`${path}.optional`, one.optional, other.optional).map((each) => ({
          ...each,
          effect: 'compatible',
        })),
      );
  });
}

const found = (path: string, registered: unknown, declared: unknown, effect: Found['effect']): Found => ({
  path,
  registered,
  declared,
  effect,
});

/** Values as JSON, so that errors show what is in them. */
function compared(path: string, registered: unknown, declared: unknown): Difference[] {
  const [one, other] = [registered, declared].map(shown);
  return one === other ? [] : [{ path, registered: one, declared: other }];
}

const shown = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
