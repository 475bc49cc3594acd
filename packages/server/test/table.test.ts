/**
 * Walks through the table of operations: each is refused without a key, with a key for another name, and with values that do
 * not fit; each answers its example as its schemas say.
 */
import { createQueue } from '@holdfast/queue';
import { createServerKey } from '@holdfast/server';
import { OPERATIONS } from '@holdfast/server/testing';
import { createWorkflows, defineWorkflow, openWorkflows } from '@holdfast/workflow';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeIndex, makeStore } from './made.js';
import {
  fileOf,
  keysOf,
  later,
  ownLocks,
  type Served,
  serve,
  trustFences,
  url,
  useRedis,
} from './setting.js';

useRedis();

type Tested = (typeof OPERATIONS)[number];

const own = OPERATIONS.map((operation) => [operation.id, operation] as const);
const streams = own.filter(([, operation]) => operation.streams);
/** Those that lead a browser elsewhere need an issuer. */
const others = own.filter(([, { streams, answers }]) => !streams && !('302' in answers));
const guarded = own.filter(([, { right }]) => right !== undefined);
const scoped = guarded.filter(([, { right }]) => right !== 'any');

let served: Served;
let keys: Record<'all' | 'other' | 'none', string>;

beforeEach(async ({ task }) => {
  const made = keysOf({
    all: ['*'],
    other: [...new Set(scoped.map(([, { right }]) => `${right}=somebody-else`))],
    none: [],
  });
  keys = made.keys;
  served = await serve({
    keys: made.file,
    ...(task.name.startsWith('webhooks.') && {
      serverKey: fileOf(createServerKey()),
      webhooks: fileOf({
        receivers: [{ origin: 'https://hooks.example.org', secrets: [`whsec_${'a'.repeat(32)}`] }],
      }),
    }),
  });
});

function pathOf(
  { path, example }: Tested,
  query: Readonly<Record<string, string>> = example.query ?? {},
): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(example.params?.[name] ?? ''),
  );
  const text = new URLSearchParams(query).toString();
  return text === '' ? filled : `${filled}?${text}`;
}

const bodyOf = ({ example, body }: Tested): { body?: unknown } =>
  body === undefined ? {} : { body: example.body ?? {} };

describe('each operation', () => {
  beforeAll(() => {
    expect(new Set(own.map(([id]) => id)).size).toBe(own.length);
    expect(new Set(own.map(([, { method, path }]) => `${method} ${path}`)).size).toBe(own.length);
  });

  it.each(guarded)('%s is refused without a key, and with one that is not known', async (_, operation) => {
    const without = await served.ask(operation.method, pathOf(operation), bodyOf(operation));
    expect(without).toMatchObject({ status: 401, body: { code: 'HOLDFAST_UNAUTHENTICATED' } });
    expect(without.headers.get('www-authenticate')).toBe('Bearer');
    const key = `${keys.all.slice(0, -1)}${keys.all.endsWith('A') ? 'B' : 'A'}`;
    const wrong = await served.ask(operation.method, pathOf(operation), { ...bodyOf(operation), key });
    expect(wrong.status).toBe(401);
  });

  it.each(scoped)('%s is refused to a key without its right, or for another name', async (_, operation) => {
    const none = await served.ask(operation.method, pathOf(operation), {
      ...bodyOf(operation),
      key: keys.none,
    });
    expect(none).toMatchObject({ status: 403, body: { code: 'HOLDFAST_FORBIDDEN', right: operation.right } });
    if (operation.judgedBy === undefined) return;
    const other = await served.ask(operation.method, pathOf(operation), {
      ...bodyOf(operation),
      key: keys.other,
    });
    expect(other).toMatchObject({
      status: 403,
      body: { code: 'HOLDFAST_FORBIDDEN', right: operation.right },
    });
  });

  it.each([...others, ...streams])('%s names the field that is wrong', async (_, operation) => {
    const query = await served.ask(
      operation.method,
      pathOf(operation, { ...operation.example.query, nonsense: '1' }),
      {
        ...bodyOf(operation),
        key: keys.all,
      },
    );
    expect(query).toMatchObject({
      status: 400,
      body: { code: 'HOLDFAST_MISUSE', errors: [{ field: 'query.nonsense' }] },
    });
    if (operation.method === 'GET') return;
    const body = { ...Object(operation.example.body), nonsense: 1 };
    const wrong = await served.ask(operation.method, pathOf(operation), { body, key: keys.all });
    const field = operation.body === undefined ? 'body' : 'body.nonsense';
    expect(wrong).toMatchObject({ status: 400, body: { errors: [{ field }] } });
    expect(wrong.headers.get('content-type')).toBe('application/problem+json');
    const text = await served.ask(operation.method, pathOf(operation), { body: '{"a":', key: keys.all });
    expect(text).toMatchObject({ status: 400, body: { errors: [{ field: 'body' }] } });
  });

  it.each(streams)('%s answers its example with a stream', async (_, operation) => {
    await prepare(operation);
    const gone = new AbortController();
    const authorization = `Bearer ${keys.all}`;
    const response = await fetch(`${served.url}${pathOf(operation)}`, {
      headers: { authorization },
      signal: gone.signal,
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    gone.abort();
  });

  it.each(others)('%s answers its example as its schemas say', async (_, operation) => {
    const headers = await prepare(operation);
    const reply = await served.ask(operation.method, pathOf(operation), {
      ...bodyOf(operation),
      headers,
      key: keys.all,
    });
    const answer = operation.answers[reply.status];
    expect(answer, `${reply.status} ${JSON.stringify(reply.body)}`).toBeDefined();
    expect(reply.status).toBeLessThan(300);
    if (answer?.schema) expect(answer.schema.safeParse(reply.body).error).toBeUndefined();
  });
});

/** What an example asks for is there. Resolves to the headers that it needs. */
async function prepare({ id, takesLease }: Tested): Promise<Record<string, string>> {
  if (/^(leases|locks|fences)\./.test(id)) return prepareLock(id);
  if (id.startsWith('workflows.')) await startOrder();
  if (id === 'webhooks.delete') await defineWebhook();
  if (id === 'workflows.deleteSchedule') await scheduleOrders();
  if (/^(features|feast)\./.test(id)) await makeStore();
  if (id === 'features.land') return prepareLock(id);
  if (id.startsWith('vectors.')) await makeIndex();
  if (!/^(queues|claims)\./.test(id) || id === 'queues.add') return {};
  const queue = createQueue({ redis: url(), name: 'images' });
  later(() => queue.close());
  await queue.add({ url: 'https://example.org/cat.png' }, { id: 'cat', attempts: 1 });
  if (id === 'queues.requeue') await bury();
  if (id.endsWith('Schedule')) await queue.schedule('nightly', 1, { cron: '0 3 * * *' });
  if (!takesLease) return {};
  const { body } = await served.ask('POST', '/v1/queues/images/claims', { key: keys.all, body: {} });
  return { 'holdfast-lease': body.tasks[0].claim };
}

/** The lock of the examples is free, or held by the lease whose handle the headers have. */
async function prepareLock(id: string): Promise<Record<string, string>> {
  const { owner, token } = await ownLocks().inspect('account:42');
  if (owner && token) await ownLocks().retire({ resource: 'account:42', owner, token });
  if (id === 'leases.acquire') return {};
  if (id === 'fences.seal') await trustFences();
  const options = { key: keys.all, body: { ttl: 20_000 } };
  const { body } = await served.ask('POST', '/v1/locks/account:42/leases', options);
  return { 'holdfast-lease': body.lease };
}

/** The webhook of the examples. */
async function defineWebhook(): Promise<void> {
  const body = { url: 'https://hooks.example.org/pictures', queue: 'images' };
  await served.ask('PUT', '/v1/webhooks/pictures', { key: keys.all, body });
}

/** The schedule of the examples. */
async function scheduleOrders(): Promise<void> {
  const app = await openWorkflows({ redis: url() });
  await app.schedule('nightly', 'order', 1, { cron: '0 3 * * *' });
  await app.close();
}

/** The run of the examples waits for a message; another is over. */
async function startOrder(): Promise<void> {
  const order = defineWorkflow({ name: 'order' }, async (ctx, input) =>
    input ? ctx.receive('never') : null,
  );
  const app = createWorkflows({ redis: url(), workflows: [order] });
  later(() => app.close());
  app.work();
  const run = await app.start(order, 1, { id: 'o1' });
  await app.run(order, 0, { id: 'done' });
  await expect.poll(async () => (await run.status()).status).toBe('sleeping');
}

/** Makes a dead letter of the task. */
async function bury(): Promise<void> {
  const { createWorker } = await import('@holdfast/queue');
  const queue = createQueue({ redis: url(), name: 'images' });
  const worker = createWorker({
    queue,
    handler: () => {
      throw new Error('no cat');
    },
  });
  later(async () => {
    await worker.stop();
    await queue.close();
  });
  await expect.poll(async () => (await queue.counts()).dead).toBe(1);
}
