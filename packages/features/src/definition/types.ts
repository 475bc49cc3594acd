/**
 * The types that features may have, as values for `t.int()`, `t.vector(8)` and so on; TypeScript's types of the values
 * follow from them.
 *
 * Guarantees: a type is plain data that can be written down, so that a process without the program can decode rows.
 */
import { fitting, optional, whole } from '@holdfast/kernel';

/** How a value lies in a row. */
export type Kind = 'int' | 'float64' | 'float32' | 'bool' | 'string' | 'timestamp' | 'vector' | 'list';

/** A type as it is written down. */
export interface Shape {
  readonly kind: Kind;
  /** Of a vector: how many numbers it has. */
  readonly size?: number;
}

/** The type of a feature: rows are written with an `In`, and read with an `Out`. */
export interface FeatureType<Out, In = Out, Optional extends boolean = boolean> extends Shape {
  readonly isOptional: Optional;
  /** For the compiler only; there is no such property. */
  readonly '~types'?: { readonly out: Out; readonly in: (value: In) => void };
  /** The same type for a feature that a row may lack: `null`, or left out. */
  optional(): FeatureType<Out, In, true>;
}

/** Features by name. */
export type Fields = Readonly<Record<string, FeatureType<unknown, never>>>;

type Out<T> = T extends FeatureType<infer Out, never> ? Out : never;
type In<T> = T extends FeatureType<unknown, infer In> ? In : never;
type OptionalNames<F extends Fields> = {
  [Name in keyof F]: F[Name]['isOptional'] extends true ? Name : never;
}[keyof F];

/** The values with which a row is written. */
export type Values<F extends Fields> = {
  readonly [Name in Exclude<keyof F, OptionalNames<F>>]: In<F[Name]>;
} & { readonly [Name in OptionalNames<F>]?: In<F[Name]> | null };

/** The values that are served. A row may be missing or too old, so each may be null. */
export type Served<F extends Fields> = { readonly [Name in keyof F]: Out<F[Name]> | null };

function make<Out, In = Out>(shape: Shape): FeatureType<Out, In, false> {
  return {
    ...shape,
    isOptional: false,
    optional: () => ({ ...make<Out, In>(shape), isOptional: true }) as FeatureType<Out, In, true>,
  };
}

const readSize = whole(1, 4096);
const ofNumbers = optional(
  fitting<FeatureType<number>>('t.float64(): a list has numbers of that type', (type) => {
    return Object(type).kind === 'float64';
  }),
);

/** The types of features. */
export const t = {
  /** A whole number from -(2^53 - 1) to 2^53 - 1. */
  int: () => make<number>({ kind: 'int' }),
  /** Any finite number. */
  float64: () => make<number>({ kind: 'float64' }),
  /** A finite number up to 3.4e38 in size, rounded to 24 bits. */
  float32: () => make<number>({ kind: 'float32' }),
  bool: () => make<boolean>({ kind: 'bool' }),
  /** Well-formed text. */
  string: () => make<string>({ kind: 'string' }),
  /** An instant, to the millisecond; a number is milliseconds since the epoch. */
  timestamp: () => make<Date, Date | number>({ kind: 'timestamp' }),
  /** Exactly `size` numbers, 1 to 4096, each as `float32`. Throws MisuseError for another size. */
  vector: (size: number) =>
    make<Float32Array, Float32Array | readonly number[]>({
      kind: 'vector',
      size: readSize('The size of a vector', size),
    }),
  /** Any count of numbers, each as `float64`. */
  list: (of?: FeatureType<number>) => {
    ofNumbers('The type of the numbers of a list', of);
    return make<readonly number[]>({ kind: 'list' });
  },
};
