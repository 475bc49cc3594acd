/**
 * The vectors that documents of an index have: one aspect, or several by name, of the title and of the text, say. All aspects
 * belong to one generation, so that they go live together.
 */
import { display, MisuseError } from '@holdfast/kernel';
import type { Embedder } from './embed/embedder.js';
import type { ChunkOptions } from './hybrid/chunk.js';
import type { Metric } from './kernel/layout.js';
import type { VectorSet } from './keys.js';
import type { Model } from './truth/builder-verbs.js';

export interface Shape {
  readonly dimensions: number;
  readonly metric: Metric;
  /** Where they are searched: in the server; in the memory of each process, if undefined. */
  readonly engine?: 'server' | undefined;
}

export interface Aspect extends Shape {
  /** Empty if the vectors of the index have no names. */
  readonly name: string;
  readonly model: string;
  readonly recall: number;
  /** In bytes. */
  readonly memory: number;
  readonly embedder: Pick<Embedder, 'embed'> | undefined;
  /** How texts are cut; a text is one chunk, if undefined. */
  readonly chunk: ChunkOptions | undefined;
}

/** What the rankings of an aspect are called. */
export const rankingOf = ({ name }: { readonly name: string }): string => name || 'vectors';

/** The model of a generation that has these aspects. */
export function modelOf(aspects: readonly Aspect[]): Model {
  const shapes = aspects.map(({ name, ...shape }) => [name, shapeOf(shape)] as const);
  const names = aspects.map(({ name, model }) => (name ? `${name}:${model}` : model));
  const [only] = shapes;
  const definition = only?.[0] === '' ? only[1] : Object.fromEntries(shapes);
  return { name: names.join('+'), definition: JSON.stringify(definition) };
}

/** The shapes of the aspects of a generation, by name, in their order. */
export function shapesOf({ definition }: Model): ReadonlyMap<string, Shape> {
  const read = JSON.parse(definition) as Shape | Readonly<Record<string, Shape>>;
  const isOne = typeof read.dimensions === 'number';
  return new Map(isOne ? [['', read as Shape]] : Object.entries(read as Readonly<Record<string, Shape>>));
}

/** What a definition says of an aspect. */
export const shapeOf = ({ dimensions, metric, engine }: Shape): Shape => ({
  ...{ dimensions, metric },
  ...(engine && { engine }),
});

/** The sets of a generation; none if processes search it. */
export const setsOf = (model: Model): readonly VectorSet[] =>
  [...shapesOf(model)].flatMap(([name, { dimensions, engine }]) => (engine ? [{ name, dimensions }] : []));

/** Those that a program has, by model. */
type Models = ReadonlyMap<Model, readonly Aspect[]>;

/** The models that this program has. Throws MisuseError if those of the next one have other names. */
export function ownModels(aspects: readonly Aspect[], next: readonly Aspect[] | undefined): Models {
  if (next === undefined) return new Map([[modelOf(aspects), aspects]]);
  const [names, nextNames] = [aspects, next].map((all) =>
    all
      .map(({ name }) => name)
      .sort()
      .join(', '),
  );
  if (names !== nextNames) {
    throw new MisuseError(
      `"next" of createIndex() has vectors of the same names as "vectors", which are ${display(names)}; got ${display(nextNames)}.`,
    );
  }
  return new Map([aspects, next].map((each) => [modelOf(each), each]));
}

/** Undefined if this program does not have the model. */
export const aspectsOf = (models: Models, name: string): readonly Aspect[] | undefined =>
  [...models].find(([model]) => model.name === name)?.[1];
