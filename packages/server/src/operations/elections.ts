/**
 * Operations on elections: standing as a candidate, which is to wait for the lease of that name, and following who leads.
 *
 * Guarantees: those of leases. A leader extends and ends its leadership by its handle, as every holder does.
 */
import { z } from 'zod';
import { acquire, inLock, TTL } from './leases.js';
import { type Call, operation, type StreamEvent } from './operation.js';
import { duration, none } from './values.js';

const EXAMPLE = { name: 'scheduler' };

const leader = z
  .object({ token: z.int(), owner: z.string() })
  .nullable()
  .describe('Null while nobody leads. Whoever has this token leads.');

export const campaign = operation({
  id: 'elections.campaign',
  method: 'POST',
  path: '/v1/elections/{name}/candidates',
  summary: 'Stand for leadership, and wait to be elected.',
  description:
    'After 409, ask again with the ticket to keep the place in line. Leadership is a lease: extend it, and end it to resign.',
  right: 'locks:write',
  judgedBy: 'name',
  params: inLock,
  query: none,
  body: z.strictObject({
    ttl: TTL.default(10_000).describe(
      'How long others wait for a leader that has died, in ms. Default 10000.',
    ),
    wait: duration(0, 30_000).default(0).describe('How long to wait, in ms. Default 0.'),
    ticket: z.string().max(2_000).optional().describe('That of the answer before.'),
  }),
  answers: acquire.answers,
  problems: acquire.problems,
  example: { params: EXAMPLE, body: { ttl: 10_000 } },
  run: (call) => {
    const body = { ...call.body, others: [], shared: false };
    return acquire.run({ ...call, signal: call.signal, header: call.header, body } as Call);
  },
});

export const show = operation({
  id: 'elections.leader',
  method: 'GET',
  path: '/v1/elections/{name}',
  summary: 'Tell who leads.',
  right: 'locks:read',
  judgedBy: 'name',
  params: inLock,
  query: none,
  answers: { 200: { description: 'The leader.', schema: z.object({ leader }) } },
  example: { params: EXAMPLE },
  async run({ systems: { locks }, params: { name } }) {
    const found = await locks.election(name).leader();
    return { status: 200, body: { leader: found && { token: found.token, owner: found.owner } } };
  },
});

export const watch = operation({
  id: 'elections.watch',
  method: 'GET',
  path: '/v1/elections/{name}/leaders',
  summary: 'Follow who leads: server-sent events, one for each leader, and for each time without one.',
  description:
    'The first event is the present state. The data of an event "leader" is as elections.leader answers. A leader that came and went within a second may not be seen.',
  right: 'locks:read',
  judgedBy: 'name',
  params: inLock,
  query: none,
  answers: { 200: { description: 'The stream.' } },
  streams: true,
  example: { params: EXAMPLE },
  run: ({ systems: { locks }, params: { name }, signal }) => ({
    status: 200,
    events: leaders(locks.election(name).observe({ signal })),
  }),
});

async function* leaders(
  observed: AsyncIterable<{ readonly token: number; readonly owner: string } | null>,
): AsyncGenerator<StreamEvent> {
  for await (const found of observed) {
    yield { event: 'leader', data: { leader: found && { token: found.token, owner: found.owner } } };
  }
}
