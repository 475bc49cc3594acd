/**
 * The OpenAPI 3.1 document of a table of operations.
 *
 * Guarantees: it says what the checks do, because both are made from the same schemas.
 */
import type { ErrorCode } from '@holdfast/kernel';
import { z } from 'zod';
import { statusOf } from '../http/problem.js';
import type { Operation } from '../operations/operation.js';

type Json = Readonly<Record<string, unknown>>;

const PROBLEM = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('As in docs/ERRORS.md.'),
    retryAfter: z.int().optional().describe('In how many ms it is worth asking again.'),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .optional()
      .describe('The fields of the request that are wrong.'),
  })
  .meta({ id: 'Problem' });

/** What every operation with a right may answer. */
const EVERYWHERE: readonly ErrorCode[] = [
  'HOLDFAST_MISUSE',
  'HOLDFAST_UNAUTHENTICATED',
  'HOLDFAST_FORBIDDEN',
  'HOLDFAST_UNAVAILABLE',
];

const documents = new WeakMap<readonly Operation[], Json>();

/** The document; made once for each table. */
export function describe(operations: readonly Operation[]): Json {
  const known = documents.get(operations);
  if (known) return known;
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const path = paths[operation.path] ?? {};
    paths[operation.path] = path;
    path[operation.method.toLowerCase()] = describeOperation(operation, schemas);
  }
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version: '1',
      description: 'Leases, queues, workflows, features and search, with a fencing token for every owner.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ key: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'A key of "holdfast keys create".' },
      },
    },
  };
  documents.set(operations, document);
  return document;
}

function describeOperation(operation: Operation, schemas: Record<string, unknown>): Json {
  const { id, summary, description, right, params, query, body, answers, problems } = operation;
  const codes = right === undefined ? problems : [...EVERYWHERE, ...problems];
  const statuses = [...new Set(codes.map(statusOf))].sort((a, b) => a - b);
  const refusals = statuses.map((status) => [
    status,
    {
      description: codes.filter((code) => statusOf(code) === status).join(', '),
      content: { 'application/problem+json': { schema: schemaOf(PROBLEM, 'output', schemas) } },
    },
  ]);
  const successes = Object.entries(answers).map(([status, answer]) => [
    status,
    {
      description: answer.description,
      ...(operation.streams && { content: { 'text/event-stream': { schema: { type: 'string' } } } }),
      ...(answer.schema && {
        content: { 'application/json': { schema: schemaOf(answer.schema, 'output', schemas) } },
      }),
    },
  ]);
  return {
    operationId: id,
    summary,
    ...(description !== undefined && { description }),
    tags: [id.split('.')[0]],
    ...(right === undefined ? { security: [] } : right !== 'any' && { 'x-right': right }),
    parameters: [
      ...parametersOf('path', params, schemas),
      ...parametersOf('query', query, schemas),
      ...headersOf(operation),
    ],
    ...(body && {
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: schemaOf(body, 'input', schemas),
            ...(operation.example.body !== undefined && { example: operation.example.body }),
          },
        },
      },
    }),
    responses: Object.fromEntries([...successes, ...refusals]),
  };
}

const HANDLE = {
  ...{ name: 'Holdfast-Lease', in: 'header', required: true, schema: { type: 'string' } },
  description: 'The handle of the lease or of the claimed task. It is a secret.',
};

const IDEMPOTENCY_KEY = {
  ...{ name: 'Idempotency-Key', in: 'header', required: false },
  description: 'Of a request that is repeated: it is carried out once.',
  schema: { type: 'string', pattern: '^[!-~]{1,200}$' },
};

const headersOf = ({ method, takesLease }: Operation): Json[] => [
  ...(takesLease ? [HANDLE] : []),
  ...(method === 'GET' ? [] : [IDEMPOTENCY_KEY]),
];

function parametersOf(
  place: 'path' | 'query',
  schema: z.ZodObject,
  schemas: Record<string, unknown>,
): Json[] {
  // A query is text; the output says what the text stands for.
  const { properties = {}, required = [] } = schemaOf(schema, 'output', schemas) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    ...{ name, in: place, required: place === 'path' || (required.includes(name) && !('default' in rest)) },
    ...(description !== undefined && { description }),
    schema: rest,
  }));
}

/** A schema, whose named parts go to the components. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', schemas: Record<string, unknown>): Json {
  const made = z.toJSONSchema(schema, { io, unrepresentable: 'any', target: 'draft-2020-12' });
  const { $schema: _, $defs = {}, ...rest } = made as Json & { $defs?: Record<string, unknown> };
  for (const [name, part] of Object.entries($defs)) schemas[name] = lifted(part);
  const own = (rest as { id?: string }).id;
  if (own === undefined) return lifted(rest) as Json;
  schemas[own] = lifted(rest);
  return { $ref: `#/components/schemas/${own}` };
}

/** With references to the components, and without the ids that only the registry of zod has. */
function lifted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lifted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, part]) => !(name === 'id' && typeof part === 'string' && 'type' in value))
      .map(([name, part]) => [
        name,
        name === '$ref' && typeof part === 'string'
          ? part.replace('#/$defs/', '#/components/schemas/')
          : lifted(part),
      ]),
  );
}
