/**
 * What a service answers, as numbers for a model: one array for all ids, with the same columns in the same order each time.
 *
 * Guarantees: the columns follow from the definitions in the program and from `features` alone, not from what is stored. A
 * feature that is no number is refused before anything is read, or, if it is derived, where it is met.
 */
import {
  fitting,
  MisuseError,
  optional,
  type Readers,
  readOptions,
  type Settings,
  withDefault,
} from '@holdfast/kernel';
import type { Service } from '../definition/service.js';
import type { FeatureType, Kind } from '../definition/types.js';

export interface VectorOptions {
  /**
   * The features, in the order of the columns: `view.feature`, or the name of a derived one. Default: those of the views that are
   * numbers, booleans, times or vectors, in the order in which the service names its views, and each view its features.
   */
  readonly features?: readonly string[];
  /** The type of the array. Default "float64". */
  readonly as?: 'float64' | 'float32';
  /** What stands for null. Default NaN. */
  readonly missing?: number;
}

/** Rows of numbers, one for each id, each as long as `columns`. */
export interface FeatureVector {
  /** Row after row: the value of column `c` for id `i` is at `i * columns.length + c`. */
  readonly values: Float64Array | Float32Array;
  /** The features by their names; those of a vector each with its place, as "profile.taste[0]". */
  readonly columns: readonly string[];
}

const VECTOR = {
  features: optional(
    fitting<readonly string[]>('a list of names of features, each once', (names) => {
      return Array.isArray(names) && names.length > 0 && new Set(names).size === names.length;
    }),
  ),
  as: withDefault(
    fitting<'float64' | 'float32'>(
      '"float64" or "float32"',
      (type) => type === 'float64' || type === 'float32',
    ),
    'float64',
  ),
  missing: withDefault(
    fitting<number>('a number, which may be NaN', (value) => typeof value === 'number'),
    Number.NaN,
  ),
} satisfies Readers<VectorOptions>;

type VectorSettings = Settings<typeof VECTOR>;

/** How a vector is made of the answers of a service. */
export interface VectorPlan {
  readonly columns: readonly string[];
  readonly make: (answers: readonly object[]) => FeatureVector;
}

/** A feature, and how many columns it has. */
interface Part {
  readonly name: string;
  readonly width: number;
}

const NUMBERS: ReadonlySet<Kind> = new Set<Kind>([
  'int',
  'float64',
  'float32',
  'bool',
  'timestamp',
  'vector',
]);

/** Throws MisuseError for features that the service does not have, or that are no numbers. */
export function vectorPlan(service: Service, options: unknown): VectorPlan {
  const settings = readOptions('vector()', options, VECTOR);
  const parts = partsOf(service, settings);
  const columns = parts.flatMap(({ name, width }) =>
    width === 1 ? [name] : Array.from({ length: width }, (_, at) => `${name}[${at}]`),
  );
  return {
    columns,
    make: (answers) => ({ columns, values: filled(answers, parts, columns.length, settings) }),
  };
}

function partsOf(service: Service, { features }: VectorSettings): readonly Part[] {
  const types = new Map<string, FeatureType<unknown, never>>();
  for (const [alias, view] of Object.entries(service.views))
    for (const [field, type] of Object.entries(view.fields)) types.set(`${alias}.${field}`, type);
  const widthOf = ({ size }: FeatureType<unknown, never>): number => size ?? 1;
  if (features === undefined) {
    const parts = [...types].filter(([, { kind }]) => NUMBERS.has(kind));
    if (parts.length > 0) return parts.map(([name, type]) => ({ name, width: widthOf(type) }));
    throw new MisuseError(
      `The service "${service.name}" has no features that are numbers; name derived ones.`,
    );
  }
  return features.map((name) => {
    const type = types.get(name);
    // The names of derived features are known only once there is an answer.
    if (type === undefined && service.derive !== undefined && !name.includes('.')) return { name, width: 1 };
    if (type === undefined)
      throw new MisuseError(
        `The service "${service.name}" has no feature "${name}"; take it out of vector().`,
      );
    if (NUMBERS.has(type.kind)) return { name, width: widthOf(type) };
    throw new MisuseError(
      `The feature "${name}" of the service "${service.name}" is a ${type.kind}, which is no number; derive one from it.`,
    );
  });
}

function filled(
  answers: readonly object[],
  parts: readonly Part[],
  width: number,
  { as, missing }: VectorSettings,
): Float64Array | Float32Array {
  const values = new (as === 'float64' ? Float64Array : Float32Array)(answers.length * width);
  let at = 0;
  for (const answer of answers) {
    for (const { name, width: count } of parts) {
      const value = (answer as Readonly<Record<string, unknown>>)[name];
      if (value instanceof Float32Array) values.set(value, at);
      else if (count > 1) values.fill(missing, at, at + count);
      else values[at] = numberOf(name, value, missing);
      at += count;
    }
  }
  return values;
}

function numberOf(name: string, value: unknown, missing: number): number {
  if (value === null) return missing;
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  if (value instanceof Date) return value.getTime();
  throw new MisuseError(
    value === undefined
      ? `derive() gives no feature "${name}"; take it out of vector().`
      : `derive() gives a ${typeof value} for "${name}", which is no number; take it out of vector().`,
  );
}
