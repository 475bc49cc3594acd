/**
 * Operations on indexes of vectors: searching, and writing documents. The server follows an index that it searches in its own
 * memory.
 *
 * Guarantees: a search with the place of a write sees it, at whichever replica it was made. An index is searched as it is
 * defined in Redis; filters and words need the definition of a program, which the server may be given.
 */
import { MisuseError } from '@holdfast/kernel';
import { findIndex, type Results, type VectorIndex } from '@holdfast/vectors';
import { z } from 'zod';
import { NotFoundError } from '../errors.js';
import { operation } from './operation.js';
import { duration, id, none, vector } from './values.js';

const indexName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
export const inIndex = z.strictObject({ index: indexName });
export const READ = { right: 'vectors:read', judgedBy: 'index' } as const;
const WRITE = { right: 'vectors:write', judgedBy: 'index' } as const;
const MOST_FILTER = 20_000;
const filter = z
  .record(z.string(), z.unknown())
  .refine((value) => JSON.stringify(value).length <= MOST_FILTER, `has more than ${MOST_FILTER} characters`);
const text = z.union([z.string(), z.record(z.string(), z.string())]);
const terms = z.record(z.string(), z.number().min(0).max(63));
const place = z.string().max(200).describe('A search `after` this place sees the write.');

const written = z.looseObject({
  outcome: z.string().describe('"written", or why not, such as "older".'),
  place: place.optional(),
});
const WRITTEN = { 200: { description: 'What became of it.', schema: written } };

export const search = operation({
  id: 'vectors.search',
  method: 'POST',
  path: '/v1/indexes/{index}/search',
  summary:
    'Find the documents that are nearest to a vector, or to a text or weights of terms, of those that match a filter.',
  ...READ,
  params: inIndex,
  query: none,
  body: z.strictObject({
    vector: vector.optional(),
    vectors: z.record(z.string(), vector).optional().describe('Of an index with named vectors: by name.'),
    like: id
      .optional()
      .describe(
        'A document that is to be near, in place of a vector; it is left out. Of named vectors: `name`.',
      ),
    name: z.string().max(64).optional().describe('Whose vector of `like`. Default: the first.'),
    text: z
      .string()
      .max(10_000)
      .optional()
      .describe('Searched by its words and its meaning, as far as a program has defined the index for that.'),
    prefix: z
      .boolean()
      .default(false)
      .describe('Whether the last word of `text` may be a beginning, as somebody types it.'),
    typos: z
      .boolean()
      .default(false)
      .describe('Whether a word of `text` that no document has may have one typing error.'),
    terms: terms
      .optional()
      .describe(
        'Weights by term, as a sparse model gives them, if a program has defined the index for that: what has the highest inner product with them is found.',
      ),
    filter: filter
      .optional()
      .describe(
        'Conditions by attribute: a value, `{in}`, `{not}`, `{gt, gte, lt, lte}`, `and`, `or`, `not`.',
      ),
    facets: z.array(z.string().max(256)).max(32).optional().describe('Attributes whose values are counted.'),
    minScore: z.number().optional().describe('Leaves out what vectors find with a lower score.'),
    texts: z.boolean().default(false).describe('Whether each hit has its text.'),
    limit: z.int().min(1).max(1_000).default(10),
    offset: z.int().min(0).max(999).default(0),
    after: place.optional(),
    wait: duration(0, 30_000).optional().describe('How long to wait for that place, in ms.'),
  }),
  answers: {
    200: {
      description: 'The best first.',
      schema: z.object({
        hits: z.array(z.looseObject({ id, score: z.number(), attributes: z.unknown() })),
        facets: z.record(z.string(), z.unknown()).optional(),
        degraded: z
          .array(z.unknown())
          .optional()
          .describe('What was left out because it was late or failed.'),
        place,
      }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND', 'HOLDFAST_PLACE_LOST'],
  example: { params: { index: 'kb' }, body: { vector: [1, 0, 0], limit: 5 } },
  run: ({ systems, params, body, signal }) =>
    systems.withIndex(params.index, async (index) => {
      const { like, name, ...question } = body;
      const { hits, place, facets, degraded } = await (like === undefined
        ? index.search({ ...question, signal } as never)
        : searchLike(index, { ...question, signal }, { like, name }));
      const shown = hits.map(({ id, score, time, attributes, chunk, text }) => ({
        ...{ id, score, time: time.getTime(), attributes },
        ...(chunk !== undefined && { chunk }),
        ...(text !== undefined && { text }),
      }));
      const more = {
        ...(body.facets !== undefined && { facets }),
        ...(degraded.length > 0 && { degraded }),
      };
      return { status: 200, body: { hits: shown, ...more, place } };
    }),
});

interface Question {
  readonly signal: AbortSignal;
  readonly vector?: unknown;
  readonly vectors?: unknown;
  readonly limit: number;
  readonly offset: number;
}

/** Searches with the first vector of a document, which is left out. Throws NotFoundError if it has none. */
async function searchLike(
  index: VectorIndex,
  question: Question,
  { like, name }: { readonly like: string; readonly name: string | undefined },
): Promise<Results> {
  if (question.vector !== undefined || question.vectors !== undefined)
    throw new MisuseError('"like" stands in the place of a vector; give one of them.');
  const { limit, offset } = question;
  const vector = await vectorOf(index, like, name);
  const most = Math.min(1_000, offset + limit + 1);
  const found = await index.search({ ...question, ...vector, offset: 0, limit: most } as never);
  return { ...found, hits: found.hits.filter(({ id: hit }) => hit !== like).slice(offset, offset + limit) };
}

async function vectorOf(index: VectorIndex, like: string, named: string | undefined): Promise<object> {
  const [first = ''] = Object.keys(index.shapes);
  const name = named ?? first;
  for await (const { vectors } of index.export({ ids: [like] })) {
    const [vector] = vectors[name] ?? [];
    if (vector) return name === '' ? { vector } : { vectors: { [name]: vector } };
  }
  throw new NotFoundError(`The index has no document "${like}" with such a vector.`);
}

export const put = operation({
  id: 'vectors.put',
  method: 'PUT',
  path: '/v1/indexes/{index}/documents/{id}',
  summary: 'Write a document, in place of the one of its id, unless a later event is there.',
  ...WRITE,
  params: inIndex.extend({ id }),
  query: none,
  body: z.strictObject({
    vector: vector.optional(),
    vectors: z
      .union([z.array(vector), z.record(z.string(), z.union([vector, z.array(vector)]))])
      .optional()
      .describe('One for each chunk; or by name.'),
    text: text.optional().describe('What it says, by which it is found: a text, or those of its fields.'),
    terms: terms.optional().describe('Weights by term, as a sparse model gives them, by which it is found.'),
    attributes: z.record(z.string(), z.unknown()).optional(),
    time: z.int().positive().optional().describe('When it was so, in ms since the epoch. Default: now.'),
  }),
  answers: WRITTEN,
  problems: ['HOLDFAST_NOT_FOUND'],
  example: {
    params: { index: 'kb', id: 'apple' },
    body: { vector: [1, 0, 0], attributes: { kind: 'fruit' } },
  },
  run: ({ systems, params, body: { time, ...document } }) =>
    systems.withIndex(params.index, async (index) => {
      const options = time === undefined ? {} : { time };
      return { status: 200, body: await index.put({ id: params.id, ...document } as never, options) };
    }),
});

export const remove = operation({
  id: 'vectors.delete',
  method: 'DELETE',
  path: '/v1/indexes/{index}/documents/{id}',
  summary: 'Delete a document, unless a later event is there.',
  ...WRITE,
  params: inIndex.extend({ id }),
  query: none,
  answers: WRITTEN,
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: { index: 'kb', id: 'apple' } },
  run: ({ systems, params }) =>
    systems.withIndex(params.index, async (index) => ({ status: 200, body: await index.delete(params.id) })),
});

export const describeIndex = operation({
  id: 'vectors.describe',
  method: 'GET',
  path: '/v1/indexes/{index}',
  summary: 'Look what an index has: its size, its model and its generations.',
  ...READ,
  params: inIndex,
  query: none,
  answers: {
    200: {
      description: 'The index.',
      schema: z.looseObject({ name: z.string(), entries: z.int(), live: z.string(), model: z.string() }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: { index: 'kb' } },
  run: ({ systems, params }) =>
    systems.withIndex(params.index, async () => {
      const info = await findIndex({ ...systems.place, name: params.index });
      return { status: 200, body: { ...info, written: info?.written.getTime() } };
    }),
});
