/**
 * Operations on webhooks: what tasks or runs become is told to a receiver by HTTP.
 *
 * Guarantees: a webhook tells of a queue or a workflow that its maker may read, and of data only where it may read those, as its key
 * allows when it is defined. Its URL has an origin of the server's file of receivers.
 */
import { MisuseError } from '@holdfast/kernel';
import { z } from 'zod';
import { ForbiddenError, NotFoundError, RequestError } from '../errors.js';
import { QUEUE_KINDS, RUN_KINDS } from '../webhooks/messages.js';
import type { Definition } from '../webhooks/registry.js';
import type { Webhooks } from '../webhooks/webhooks.js';
import { type Call, operation } from './operation.js';
import { none, queueName, workflowName } from './values.js';

const webhookName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/)
  .describe('1 to 64 letters, digits, "_" and "-".');
const named = z.strictObject({ webhook: webhookName });
const ORDERS = { webhook: 'pictures' };
const ADMIN = { right: 'webhooks:admin', judgedBy: 'webhook' } as const;

const shown = {
  url: z.string().max(2_000),
  queue: queueName.optional(),
  workflow: workflowName.optional(),
  kinds: z
    .array(z.enum([...new Set([...QUEUE_KINDS, ...RUN_KINDS])]))
    .min(1)
    .optional()
    .describe('Of which events. Default: all.'),
};

const webhook = z
  .object({ name: webhookName, ...shown, data: z.boolean(), since: z.number() })
  .meta({ id: 'Webhook' });

const webhooksOf = ({ systems: { webhooks } }: Pick<Call, 'systems'>): Webhooks => {
  if (webhooks) return webhooks;
  throw new MisuseError('This server has no webhooks; start it with --webhooks.');
};

export const list = operation({
  id: 'webhooks.list',
  method: 'GET',
  path: '/v1/webhooks',
  summary: 'List the webhooks that the key may read.',
  right: 'webhooks:read',
  params: none,
  query: none,
  answers: {
    200: { description: 'In the order of their names.', schema: z.object({ webhooks: z.array(webhook) }) },
  },
  example: {},
  async run(call) {
    const all = await webhooksOf(call).registry.list();
    const webhooks = all
      .filter(({ name }) => call.caller.may('webhooks:read', name))
      .map(({ cursor: _, ...rest }) => rest);
    return { status: 200, body: { webhooks } };
  },
});

export const put = operation({
  id: 'webhooks.put',
  method: 'PUT',
  path: '/v1/webhooks/{webhook}',
  summary: 'Tell a receiver what tasks of a queue, or runs of a workflow, become.',
  description:
    'From now on, or where it follows the same already, from where it is. The URL has an origin of the file of receivers. Messages are signed as Standard Webhooks has it, and sent until they are answered with 2xx, for three days.',
  ...ADMIN,
  params: named,
  query: none,
  body: z
    .strictObject({
      ...shown,
      data: z
        .boolean()
        .default(false)
        .describe('Whether results, progress and reasons are told, too: with the right `data`.'),
    })
    .refine(({ queue, workflow }) => (queue === undefined) !== (workflow === undefined), {
      path: ['queue'],
      message: 'or workflow is given, and not both',
    })
    .refine(
      ({ queue, kinds = [] }) =>
        kinds.every((kind) => (queue === undefined ? RUN_KINDS : QUEUE_KINDS).some((each) => each === kind)),
      { path: ['kinds'], message: 'has one that such events do not have' },
    ),
  answers: { 204: { description: 'It is defined.' } },
  example: {
    params: ORDERS,
    body: { url: 'https://hooks.example.org/pictures', queue: 'images', kinds: ['completed', 'failed'] },
  },
  async run(call) {
    const webhooks = webhooksOf(call);
    const { registry, receivers } = webhooks;
    const definition: Definition = call.body;
    requireReadable(call, definition);
    const { url } = definition;
    const hasUser = URL.canParse(url) && new URL(url).username !== '';
    if (receivers.of(url) === undefined || hasUser) {
      const message = 'has no origin of the file of receivers';
      throw new RequestError(`body.url ${message}; whoever runs the server adds it there.`, {
        fields: [{ field: 'body.url', message }],
      });
    }
    if (!(await registry.put(call.params.webhook, definition))) {
      throw new RequestError('There are 1000 webhooks, which is the most; delete one.', { status: 409 });
    }
    webhooks.changed();
    return { status: 204 };
  },
});

/** Throws ForbiddenError. */
function requireReadable({ caller }: Pick<Call, 'caller'>, { queue, workflow = '', data }: Definition): void {
  const system = queue === undefined ? 'workflows' : 'queues';
  for (const action of data ? (['read', 'data'] as const) : (['read'] as const)) {
    const right = `${system}:${action}` as const;
    if (caller.may(right, queue ?? workflow)) continue;
    throw new ForbiddenError(
      `The key of ${caller.subject} lacks the right ${right} for what is followed.`,
      right,
    );
  }
}

export const remove = operation({
  id: 'webhooks.delete',
  method: 'DELETE',
  path: '/v1/webhooks/{webhook}',
  summary: 'Delete a webhook; what was not sent yet is not sent any more.',
  ...ADMIN,
  params: named,
  query: none,
  answers: { 204: { description: 'It is gone.' } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: ORDERS },
  async run(call) {
    const { webhook: name } = call.params;
    if (await webhooksOf(call).registry.delete(name)) return { status: 204 };
    throw new NotFoundError(`There is no webhook "${name}".`);
  },
});
