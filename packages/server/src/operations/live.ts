/**
 * What a page needs that shows the state of the systems: who looks, and a stream of what the operations that read answer,
 * again whenever that has changed.
 *
 * Guarantees: a topic shows no more than its operation would, to the same caller. However many viewers there are, the topics
 * of one key are read once a second (observe/reads.ts).
 */
import { z } from 'zod';
import { goneCookie, sessionCookie } from '../auth/cookie.js';
import { type ChangedRead, changes } from '../observe/reads.js';
import { operation } from './operation.js';
import { none } from './values.js';

const MOST_TOPICS = 64;
const DECODED = /^\/v1\/(?!live\b)/;

const topics = z
  .string()
  .max(12_000)
  .transform((text, context) => {
    try {
      return text.split(',').map((topic) => decodeURIComponent(topic));
    } catch {
      context.addIssue({ code: 'custom', message: 'is not well-formed' });
      return z.NEVER;
    }
  })
  .refine((list) => list.length <= MOST_TOPICS, `has more than ${MOST_TOPICS} topics`)
  .refine((list) => list.every((topic) => DECODED.test(topic)), 'has a topic that is not a path of /v1')
  .describe('Paths of operations of method GET, each percent-encoded, with commas between.');

export const live = operation({
  id: 'product.live',
  method: 'GET',
  path: '/v1/live',
  summary: 'Follow what operations that read answer: server-sent events, one for each change.',
  description:
    'The data of an event "read" is `{ topic, value }`, or `{ topic, problem }` where the operation refused.',
  right: 'any',
  params: none,
  query: z.strictObject({
    topics,
    once: z
      .enum(['true', 'false'])
      .default('false')
      .describe('Whether the stream ends after the first answers.'),
  }),
  answers: { 200: { description: 'The stream.' } },
  streams: true,
  example: { query: { topics: '%2Fv1%2Fqueues', once: 'true' } },
  run: ({ systems, caller, query, read, signal }) => ({
    status: 200,
    events: events(
      changes({
        ...{ caller, read, signal, topics: query.topics, isOnce: query.once === 'true' },
        ...{ reads: systems.reads, clock: systems.clock },
      }),
    ),
  }),
});

export const session = operation({
  id: 'product.session',
  method: 'GET',
  path: '/v1/session',
  summary: 'Tell whose key it is, and what it may do.',
  right: 'any',
  params: none,
  query: none,
  answers: {
    200: {
      description: 'The subject and its scopes.',
      schema: z.object({
        subject: z.string(),
        keyId: z.string().optional().describe('Absent for who has none.'),
        scopes: z.array(z.object({ system: z.string(), action: z.string(), pattern: z.string() })),
      }),
    },
  },
  example: {},
  run: ({ caller: { subject, keyId, scopes } }) => ({
    status: 200,
    body: { subject, ...(keyId !== undefined && { keyId }), scopes },
  }),
});

export const signIn = operation({
  id: 'product.signIn',
  method: 'POST',
  path: '/v1/session',
  summary: 'Sign a browser in: a cookie stands for the key of this request, for 12 hours.',
  right: 'any',
  params: none,
  query: none,
  answers: { 204: { description: 'The cookie is set; a page of another origin cannot use it.' } },
  example: {},
  run: ({ header, caller: { keyId }, systems: { sealer, clock } }) => {
    const browser = { origin: header('origin'), host: header('host') };
    // Only the key itself begins a session: a session cannot lengthen itself.
    if (keyId === undefined || header('authorization') === undefined) return { status: 204 };
    return { status: 204, headers: { 'set-cookie': sessionCookie({ keyId }, browser, sealer, clock) } };
  },
});

export const signOut = operation({
  id: 'product.signOut',
  method: 'DELETE',
  path: '/v1/session',
  summary: 'Sign a browser out.',
  right: undefined,
  params: none,
  query: none,
  answers: { 204: { description: 'Its cookie is gone.' } },
  example: {},
  run: ({ header }) => ({
    status: 204,
    headers: { 'set-cookie': goneCookie({ origin: header('origin'), host: header('host') }) },
  }),
});

async function* events(reads: AsyncIterable<ChangedRead>) {
  for await (const data of reads) yield { event: 'read', data };
}
