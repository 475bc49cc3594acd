/** Tools that read: features, search, and what the key may do. */
import { z } from 'zod';
import { given, tool } from '../tool.js';

const store = z.string().min(1).describe('The name of the feature store.');

export const session = tool({
  name: 'session',
  title: 'See your rights',
  description: 'Tells for whom the key stands, and its scopes: what it may do, and with what.',
  input: z.strictObject({}),
  run: ({ client, signal }) => client.product.session({ signal }),
});

export const describe = tool({
  name: 'features_describe',
  title: 'List views and services',
  description: 'Lists the views and services of a feature store.',
  input: z.strictObject({ store }),
  run: ({ client, input, signal }) => client.features.describe(input.store, { signal }),
});

export const read = tool({
  name: 'features_read',
  title: 'Read features',
  description: 'Reads the features of a view for up to 100 ids.',
  showsData: true,
  input: z.strictObject({
    store,
    view: z.string().min(1),
    ids: z
      .array(z.union([z.string(), z.record(z.string(), z.string())]))
      .min(1)
      .max(100)
      .describe('Text each; of a composite entity an object with its parts.'),
  }),
  run: ({ client, input, signal }) =>
    client.features.rows(input.store, input.view, { ids: input.ids }, { signal }),
});

export const search = tool({
  name: 'search',
  title: 'Search an index',
  description:
    'Finds the documents of an index that are nearest to a vector, or that have the words of a text or weights of terms; a ranking of all that is given.',
  showsData: true,
  input: z.strictObject({
    index: z.string().min(1),
    vector: z
      .array(z.number())
      .min(1)
      .max(4_096)
      .optional()
      .describe('As the model of the index embeds the query.'),
    text: z
      .string()
      .max(10_000)
      .optional()
      .describe('Searched by its words and its meaning, if the server has the definition of the index.'),
    prefix: z.boolean().optional().describe('Whether the last word of the text may be a beginning.'),
    typos: z
      .boolean()
      .optional()
      .describe('Whether a word of the text that no document has may have one typing error.'),
    terms: z
      .record(z.string(), z.number().min(0).max(63))
      .optional()
      .describe('Weights by term, as the sparse model of the index gives them for the query.'),
    limit: z.int().min(1).max(50).default(10),
  }),
  run: ({ client, input: { index, ...body }, signal }) =>
    client.vectors.search(index, given(body), { signal }),
});
