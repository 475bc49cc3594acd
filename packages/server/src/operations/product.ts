/**
 * Operations that are not those of one system: whether the server lives and is ready, its metrics, and its description.
 *
 * Guarantees: `/readyz` says whether this process may be sent requests: it is not stopping, and has its keys. The state of
 * Redis is in `/readyz?deep=true`, so that not all replicas leave at once when a store is away.
 */
import { z } from 'zod';
import { describe } from '../openapi/document.js';
import { operation } from './operation.js';
import { none } from './values.js';

const text = (body: string, status = 200) => ({
  status,
  text: { type: 'text/plain; charset=utf-8', body },
});

export const healthz = operation({
  id: 'product.healthz',
  method: 'GET',
  path: '/healthz',
  summary: 'Tell that the process runs.',
  right: undefined,
  params: none,
  query: none,
  answers: { 200: { description: 'It does.' } },
  example: {},
  run: () => text('ok\n'),
});

export const readyz = operation({
  id: 'product.readyz',
  method: 'GET',
  path: '/readyz',
  summary: 'Tell whether the process may be sent requests.',
  right: undefined,
  params: none,
  query: z.strictObject({
    deep: z.enum(['true', 'false']).default('false').describe('Whether to ask the stores, too.'),
  }),
  answers: {
    200: { description: 'It may.' },
    503: { description: 'It may not; the text says why.' },
  },
  example: {},
  async run({ systems, query }) {
    const problems = [...systems.problems(), ...(query.deep === 'true' ? await systems.ask() : [])];
    return problems.length === 0 ? text('ready\n') : text(`${problems.join('\n')}\n`, 503);
  },
});

export const metrics = operation({
  id: 'product.metrics',
  method: 'GET',
  path: '/metrics',
  summary: 'Read the metrics in the text format of Prometheus.',
  right: 'metrics:read',
  params: none,
  query: none,
  answers: { 200: { description: 'The metrics.' } },
  example: {},
  run: async ({ systems }) => ({ status: 200, text: await systems.metrics() }),
});

export const openapi = operation({
  id: 'product.openapi',
  method: 'GET',
  path: '/openapi.json',
  summary: 'Read the OpenAPI 3.1 description of all operations.',
  right: undefined,
  params: none,
  query: none,
  answers: { 200: { description: 'The document.', schema: z.looseObject({ openapi: z.literal('3.1.0') }) } },
  example: {},
  run: ({ operations }) => ({ status: 200, body: describe(operations) }),
});
