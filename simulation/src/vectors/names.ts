/** The index that is simulated: its keys, what its documents are, and what the bytes of one say. */
import { seededRandom } from '@holdfast/kernel';

export const INDEX = 'v';
export const IDS = ['d1', 'd2', 'd3', 'd4', 'd5', 'd6', 'd7'] as const;
export const DIMENSIONS = 8;
export const KINDS = ['a', 'b', 'c'] as const;
export const PRICES = 10;

/** How far in the future an event may be, in ms. */
export const AHEAD = 300_000;

/** The keys of an index, and what they name. */
export interface Keys {
  readonly meta: string;
  readonly log: string;
  readonly document: (id: string) => string;
  readonly vectors: (generation: string, id: string) => string;
  /** Undefined for a key that is not that of a document. */
  readonly idOf: (key: string) => string | undefined;
}

export function keysOf(name: string): Keys {
  const own = `{vectors:${name}}:`;
  return {
    ...{ meta: `${own}meta`, log: `${own}log` },
    document: (id) => `${own}doc:${id}`,
    vectors: (generation, id) => `${own}v${generation}:${id}`,
    idOf: (key) => (key.startsWith(`${own}doc:`) ? key.slice(`${own}doc:`.length) : undefined),
  };
}

/** What a write says in the attributes of its document. */
export interface Attributes {
  /** The number of the last write. */
  readonly n: number;
  /** The number of the write that brought the vectors: they follow from it. */
  readonly v: number;
  readonly chunks: number;
  readonly kind: string;
  readonly price: number;
}

/** What stands in front of a document, and its body. */
export interface Stored {
  readonly isDeletion: boolean;
  readonly time: number;
  readonly token: number;
  readonly sequence: number;
  readonly expiry: number;
  /** Eight bytes that name it, one character each. */
  readonly issuer: string;
  readonly body: string;
}

const HEAD = 64;

/** `text` has one character a byte. */
export function storedOf(text: string): Stored {
  const bytes = Buffer.from(text.slice(0, HEAD), 'latin1');
  return {
    isDeletion: bytes[1] === 1,
    time: bytes.readDoubleLE(8),
    token: bytes.readDoubleLE(16),
    sequence: bytes.readDoubleLE(24),
    expiry: bytes.readDoubleLE(32),
    issuer: text.slice(40, 48),
    body: text.slice(HEAD),
  };
}

/** Its first line; the second one is the text. */
export const attributesOf = (body: string): Attributes =>
  JSON.parse(body.split('\n', 1)[0] ?? '') as Attributes;

export const WORDS = ['ash', 'elm', 'oak', 'yew'] as const;

/** The words of the text of a write; one in four has no text. */
export const wordsOf = ({ v }: Pick<Attributes, 'v'>): readonly string[] => {
  const random = seededRandom(v * 17);
  const all = WORDS.filter(() => random.unit() < 0.4);
  return random.unit() < 0.75 ? all : [];
};

/** The vectors of a write. */
export const vectorsOf = (
  { v, chunks }: Pick<Attributes, 'v' | 'chunks'>,
  name: VectorName,
): readonly number[][] => {
  if (isModel(name)) return chunks > 0 ? [vectorBy(name, textOf({ v }))] : [];
  return Array.from({ length: chunks }, (_, chunk) => direction(v * 31 + chunk + (name === 'body' ? 11 : 0)));
};

/** The models that make vectors of texts, in runs in which there are some: each takes the place of the other. */
const MODELS = ['m0', 'm1'] as const;
export type ModelName = (typeof MODELS)[number];

export const isModel = (name: string): name is ModelName => (MODELS as readonly string[]).includes(name);
export const otherModel = (name: string): ModelName => (name === 'm0' ? 'm1' : 'm0');

/** The text of a write. */
export const textOf = ({ v }: Pick<Attributes, 'v'>): string => `t${v}`;

/** What a model makes of a text: the models have nothing in common. */
export const vectorBy = (model: ModelName, text: string): number[] =>
  direction([...`${model}${text}`].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_003, 7));

/** Of the vectors, if they have one, or of the model that makes them of texts; else ''. */
export type VectorName = '' | 'title' | 'body' | ModelName;

/** A direction that follows from a number. */
export function direction(seed: number): number[] {
  const random = seededRandom(seed);
  const numbers = Array.from({ length: DIMENSIONS }, () => random.unit() - 0.5);
  const length = Math.hypot(...numbers);
  return numbers.map((number) => number / length);
}

export const cosine = (one: readonly number[], other: readonly number[]): number =>
  one.reduce((sum, value, place) => sum + value * (other[place] ?? 0), 0);

/** The filters that are drawn, and which documents they mean. */
export const FILTERS = {
  all: { filter: {}, matches: () => true },
  a: { filter: { kind: 'a' }, matches: ({ kind }) => kind === 'a' },
  'a or b': { filter: { kind: { in: ['a', 'b'] } }, matches: ({ kind }) => kind !== 'c' },
  'not a': { filter: { kind: { not: 'a' } }, matches: ({ kind }) => kind !== 'a' },
  cheap: { filter: { price: { lt: 5 } }, matches: ({ price }) => price < 5 },
  'c or dear': {
    filter: { or: [{ kind: 'c' }, { price: { gte: 7 } }] },
    matches: ({ kind, price }) => kind === 'c' || price >= 7,
  },
} as const satisfies Readonly<
  Record<string, { readonly filter: object; readonly matches: (attributes: Attributes) => boolean }>
>;

export type FilterName = keyof typeof FILTERS;
export const FILTER_NAMES = Object.keys(FILTERS) as FilterName[];
