/**
 * Services: what a model reads at once, from several views, with features that are derived from them and from the
 * request. The same `derive` makes what is served and what is trained with.
 */
import {
  callback,
  display,
  duration,
  having,
  MisuseError,
  optional,
  type Reader,
  type Readers,
  readOptions,
  readSchema,
  type Schema,
  type Settings,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { readName } from '../options.js';
import type { Served } from './types.js';
import type { View } from './view.js';

/** Views by the name that their features begin with. */
export type Views = Readonly<Record<string, View>>;

type Intersection<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer I) => void
  ? { readonly [Name in keyof I]: I[Name] }
  : never;

/** The features of views, named `view.feature`. Each may be null. */
export type Row<V extends Views> = Intersection<
  {
    [Name in keyof V & string]: {
      readonly [Field in keyof V[Name]['fields'] & string as `${Name}.${Field}`]: Served<
        V[Name]['fields']
      >[Field];
    };
  }[keyof V & string]
>;

/** The ids that the views need: one for each entity, and one for each part of a composite one. */
export type EntityIds<V extends Views> = {
  readonly [Part in V[keyof V]['entity']['parts'][number]]: string;
};

/** Features that are derived; their names have no dot. */
export type Derived = Readonly<Record<string, number | string | boolean | null>>;

/** What a process keeps of what it has read for a service. */
export interface CacheOptions {
  /** How many rows are kept at most, 1 to 10 million; an id without a row counts as one, too. Default 20000. */
  readonly rows?: number;
  /** For how long after it was read a row is answered, in ms, 1 to 3600000. Default 500. */
  readonly maxAge?: number;
}

const CACHE = {
  rows: withDefault(whole(1, 10_000_000), 20_000),
  maxAge: withDefault(duration({ min: 1, max: 3_600_000 }), 500),
} satisfies Readers<CacheOptions>;

export type CacheSettings = Settings<typeof CACHE>;

const readCache: Reader<CacheSettings> = (option, value) => readOptions(option, value, CACHE);

export interface ServiceOptions<V extends Views, Request, D extends Derived> {
  /** The views, each under the name that its features begin with. */
  readonly views: V;
  /** From 1; default 1. Two versions can be served side by side. */
  readonly version?: number;
  /** The schema of what comes with a request, such as a price. Default: nothing comes. */
  readonly request?: Schema<unknown, Request>;
  /** Derives features. It gives the same for the same arguments; what it reads besides is not in a training set. */
  readonly derive?: (row: Row<V>, request: Request) => D;
  /**
   * Keeps in each process what it has read. An entity of which the service reads a view that is `strict` is not kept. Default:
   * nothing is kept.
   */
  readonly cache?: CacheOptions;
}

/** What a model reads at once. */
export interface Service<
  Name extends string = string,
  V extends Views = Views,
  Request = unknown,
  D extends Derived = Derived,
> {
  readonly name: Name;
  readonly version: number;
  readonly views: V;
  readonly request: Schema<unknown, unknown> | undefined;
  readonly derive: ((row: never, request: never) => D) | undefined;
  readonly cache: CacheSettings | undefined;
  /** For the compiler only; there is no such property. */
  readonly '~request'?: Request;
}

/** What a service answers for each of the ids. */
export type Answer<S> =
  S extends Service<string, infer V, unknown, infer D>
    ? { readonly [Name in keyof (Row<V> & D)]: (Row<V> & D)[Name] }
    : never;

const SERVICE = {
  views: having<Views>(),
  version: withDefault(whole(1, 1e9), 1),
  request: optional(readSchema as () => Schema),
  derive: optional(callback<() => Derived>('a row and a request')),
  cache: optional(readCache),
} satisfies Readers<ServiceOptions<Views, unknown, Derived>>;

/** What a model reads at once. Throws MisuseError. */
export function service<
  const Name extends string,
  V extends Views,
  Request = undefined,
  // biome-ignore lint/complexity/noBannedTypes: a service that derives nothing has no features but those of its views
  D extends Derived = {},
>(name: Name, options: ServiceOptions<V, Request, D>): Service<Name, V, Request, D> {
  readName('The name of a service', name);
  const settings = readOptions(`The service "${name}"`, options, SERVICE);
  const views = Object.entries(settings.views);
  if (views.length === 0)
    throw new MisuseError(`The service "${name}" has no views; name those that it reads.`);
  for (const [alias, each] of views) {
    readName(`The name of a view of the service "${name}"`, alias);
    if (typeof Object(each).kind === 'string' && Object(each).fields !== undefined) continue;
    throw new MisuseError(
      `The service "${name}" takes views, as of view(…); "${alias}" is ${display(each)}.`,
    );
  }
  return { ...settings, name, views: options.views, derive: options.derive };
}
