/**
 * Operations that show the state of indexes of vectors: which there are, their generations, and what is wrong with one as this
 * server has it in its memory.
 *
 * Guarantees: they change nothing.
 */
import { z } from 'zod';
import { operation } from './operation.js';
import { none } from './values.js';
import { inIndex, READ } from './vectors.js';

const indexInfo = z
  .looseObject({
    name: z.string(),
    entries: z.int().describe('Documents, and deletions that are remembered.'),
    live: z.string().describe('The generation that is searched.'),
    generations: z.int(),
    model: z.string(),
    epoch: z.string(),
    written: z.number().describe('When something was written last, in ms since the epoch.'),
  })
  .meta({ id: 'IndexInfo' });

export const list = operation({
  id: 'vectors.list',
  method: 'GET',
  path: '/v1/indexes',
  summary: 'List the indexes of vectors that the key may read.',
  description:
    "It looks through all keys, for which the server's user needs the right +scan. The answer is at most 5 s old.",
  right: 'vectors:read',
  params: none,
  query: none,
  answers: {
    200: { description: 'In the order of their names.', schema: z.object({ indexes: z.array(indexInfo) }) },
  },
  example: {},
  async run({ systems, caller }) {
    const found = await systems.indexes();
    const indexes = found
      .filter(({ name }) => caller.may('vectors:read', name))
      .map((info) => ({ ...info, written: info.written.getTime() }));
    return { status: 200, body: { indexes } };
  },
});

export const health = operation({
  id: 'vectors.health',
  method: 'GET',
  path: '/v1/indexes/{index}/health',
  summary: 'Look what is wrong with an index, as this server has it, and at its generations.',
  ...READ,
  params: inIndex,
  query: none,
  answers: {
    200: {
      description: 'The index in the memory of this server, which follows it from now on.',
      schema: z
        .object({
          problems: z.array(z.string()),
          documents: z.int(),
          behind: z.int().describe('Documents that were written and are not applied here yet.'),
          unapplied: z.int().describe('Documents that do not fit into the memory.'),
          unreadable: z.int(),
          waiting: z.int().describe('Documents that wait for their vectors.'),
          vectors: z.array(
            z.object({
              name: z.string().describe('Empty if the vectors have no names.'),
              vectors: z.int(),
              lists: z.int(),
              bytes: z.number(),
            }),
          ),
          generations: z.array(
            z.object({
              generation: z.string(),
              model: z.string(),
              state: z.enum(['live', 'building', 'kept', 'dropping']),
            }),
          ),
        })
        .meta({ id: 'IndexHealth' }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: { index: 'kb' } },
  run: ({ systems, params }) =>
    systems.withIndex(params.index, async (index) => {
      await index.ready();
      const generations = await index.generations();
      const { documents, behind, unapplied, unreadable, waiting, vectors, named } = index.stats();
      const all = Object.keys(named).length > 0 ? named : { ...(vectors && { '': vectors }) };
      const body = {
        problems: index.health().problems,
        ...{ documents, behind, unapplied, unreadable, waiting },
        vectors: Object.entries(all).map(([name, each]) => ({
          ...{ name, vectors: each.vectors, lists: each.lists, bytes: each.bytes },
        })),
        generations: generations.map(({ generation, model, state }) => ({ generation, model, state })),
      };
      return { status: 200, body };
    }),
});
