/** Webhooks: what tasks and runs become is told to a real receiver, signed, until it has answered. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createQueue, createWorker } from '@holdfast/queue';
import { createServer, createServerKey } from '@holdfast/server';
import { isPublic } from '@holdfast/server/testing';
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { expect, test } from 'vitest';
import { fileOf, keysOf, later, type Served, serve, url, useRedis } from './setting.js';

useRedis();

const SECRETS = ['new', 'old'].map((name) => Buffer.from(name.padEnd(32, '.')));
const secrets = SECRETS.map((secret) => `whsec_${secret.toString('base64')}`);

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at what they expect.
  readonly body: any;
}

/** A receiver that answers with the statuses in turn, and then with 204. */
async function receiver(...statuses: number[]): Promise<{ origin: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createHttpServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    received.push({ headers: request.headers, text, body: JSON.parse(text) });
    response.writeHead(statuses.shift() ?? 204, { location: 'http://127.0.0.1:1/' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  later(() => server.close());
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

const serverKey = () => fileOf(createServerKey());
const receiversOf = (origin: string, isPrivate = true) =>
  fileOf({ receivers: [{ origin, secrets, private: isPrivate }] });

function queueOf(name: string) {
  const queue = createQueue({ redis: url(), name });
  later(() => queue.close());
  return queue;
}

function work(name: string) {
  const handler = ({ data }: { data: unknown }) => {
    if (data === 'bad') throw new Error('a secret reason');
    return { secret: data };
  };
  const worker = createWorker({ queue: queueOf(name), handler });
  later(() => worker.stop());
}

const PICTURES = '/v1/webhooks/pictures';
const follow = ({ ask }: Served, body: object, name = PICTURES) => ask('PUT', name, { body });

test('ends of tasks are told, with their states alone, signed by each secret', async () => {
  const { origin, received } = await receiver();
  const served = await serve({ webhooks: receiversOf(origin), serverKey: serverKey() });
  const kinds = ['completed', 'failed'];
  expect((await follow(served, { url: `${origin}/hook`, queue: 'images', kinds })).status).toBe(204);
  const body = {
    tasks: [
      { data: 'good', id: 'good' },
      { data: 'bad', id: 'bad', attempts: 1 },
    ],
  };
  await served.ask('POST', '/v1/queues/images/tasks:batch', { body });
  work('images');
  await expect.poll(() => received.length, { timeout: 20_000 }).toBe(2);
  const good = received.find(({ body }) => body.data.id === 'good') as Received;
  expect(good.body).toEqual({
    type: 'queue.completed',
    timestamp: expect.stringMatching(/^\d{4}-/),
    webhook: 'pictures',
    data: { queue: 'images', id: 'good' },
  });
  expect(received.find(({ body }) => body.data.id === 'bad')?.body.type).toBe('queue.failed');
  expect(received.map(({ text }) => text).join()).not.toContain('secret');
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = good.headers;
  const right = SECRETS.map((secret) =>
    createHmac('sha256', secret).update(`${id}.${time}.${good.text}`).digest('base64'),
  );
  expect(signature).toBe(right.map((each) => `v1,${each}`).join(' '));
  expect(Math.abs(Number(time) - Date.now() / 1_000)).toBeLessThan(60);
});

test('two replicas tell each event once; one that is refused is told again under its id, and no redirect is followed', async () => {
  const { origin, received } = await receiver(307);
  const options = { webhooks: receiversOf(origin), serverKey: serverKey() };
  const [served] = [await serve(options), await serve(options)];
  const told = { url: origin, queue: 'images', kinds: ['completed'], data: true };
  expect((await follow(served as Served, told)).status).toBe(204);
  await served?.ask('POST', '/v1/queues/images/tasks', { body: { data: 1, id: 'a' } });
  work('images');
  await expect.poll(() => received.length, { timeout: 20_000 }).toBe(1);
  expect(received[0]?.body.data.result).toEqual({ secret: 1 });
  const deliveries = queueOf('holdfast-webhooks');
  const id = String(received[0]?.headers['webhook-id']);
  await expect.poll(async () => (await deliveries.get(id))?.state, { timeout: 20_000 }).toBe('delayed');
  await deliveries.promote(id);
  await expect.poll(() => received.length, { timeout: 20_000 }).toBe(2);
  expect(received[1]?.headers['webhook-id']).toBe(id);
  expect(received[1]?.text).toBe(received[0]?.text);
  await expect.poll(async () => (await deliveries.get(id))?.state).toBe('completed');
  expect((await deliveries.counts()).totals.completed).toBe(1);
});

test('what happens while no server runs is told when one does again', async () => {
  const { origin, received } = await receiver();
  const options = { webhooks: receiversOf(origin), serverKey: serverKey() };
  const first = await serve(options);
  await follow(first, { url: origin, queue: 'images', kinds: ['completed'] });
  work('images');
  const queue = queueOf('images');
  await queue.add('one', { id: 'one' });
  await expect.poll(() => received.length, { timeout: 20_000 }).toBe(1);
  await first.server.close();
  await queue.add('two', { id: 'two' });
  await queue.wait('two');
  const { ask } = await serve(options);
  await expect
    .poll(() => received.map(({ body }) => body.data.id), { timeout: 30_000 })
    .toEqual(['one', 'two']);
  expect((await ask('GET', '/v1/webhooks')).body.webhooks).toMatchObject([
    { name: 'pictures', queue: 'images', data: false },
  ]);
  expect((await ask('DELETE', PICTURES)).status).toBe(204);
  expect((await ask('DELETE', PICTURES)).status).toBe(404);
});

test('ends of runs are told', async () => {
  const { origin, received } = await receiver();
  const served = await serve({ webhooks: receiversOf(origin), serverKey: serverKey() });
  const order = defineWorkflow({ name: 'order' }, async () => 'a secret result');
  const app = createWorkflows({ redis: url(), workflows: [order] });
  later(() => app.close());
  app.work();
  expect((await follow(served, { url: origin, workflow: 'order', kinds: ['ended'] })).status).toBe(204);
  await app.run(order, 1, { id: 'o1' });
  await expect.poll(() => received.length, { timeout: 20_000 }).toBe(1);
  expect(received[0]?.body).toMatchObject({
    ...{ type: 'workflow.ended', data: { workflow: 'order', run: 'o1', status: 'completed' } },
  });
  expect(received[0]?.text).not.toContain('secret');
});

test('nothing goes to where it may not: other origins, private addresses, or what no server has written', async () => {
  const { origin, received } = await receiver();
  const { port } = new URL(origin);
  const { file, keys } = keysOf({
    owner: ['*'],
    reader: ['webhooks:admin', 'queues:read=images'],
  });
  const options = { keys: file, serverKey: serverKey() };
  const inside = fileOf({
    receivers: ['localhost', '127.0.0.1', '[::1]'].map((host) => ({
      origin: `https://${host}:${port}`,
      secrets,
    })),
  });
  const { ask } = await serve({ ...options, webhooks: inside });
  const put = (name: string, body: object, key = keys.owner) =>
    ask('PUT', `/v1/webhooks/${name}`, { body: { queue: 'images', ...body }, key });
  expect((await put('a', { url: 'https://evil.example' })).body.errors).toMatchObject([
    { field: 'body.url' },
  ]);
  expect((await put('a', { url: `https://x@localhost:${port}/` })).status).toBe(400);
  const at = `https://localhost:${port}/`;
  expect((await put('a', { url: at, data: true }, keys.reader)).body.right).toBe('queues:data');
  expect((await put('a', { url: at, queue: 'others' }, keys.reader)).body.right).toBe('queues:read');
  expect((await put('a', { url: at, kinds: ['ended'] })).body.errors).toMatchObject([
    { field: 'body.kinds' },
  ]);
  for (const host of ['localhost', '127.0.0.1', '[::1]']) {
    const name = host.replace(/\W/g, '-');
    expect((await put(name, { url: `https://${host}:${port}/`, kinds: ['completed'] })).status).toBe(204);
  }
  work('images');
  await queueOf('images').add(1, { id: 'a' });
  const deliveries = queueOf('holdfast-webhooks');
  await deliveries.add(
    { webhook: 'localhost', sealed: '1.x.e30.x' },
    { id: 'forged', backoff: { type: 'constant', delay: 60_000 } },
  );
  await deliveries.add({ webhook: 'localhost', sealed: 'nonsense' }, { id: 'nonsense' });
  await expect.poll(async () => (await deliveries.counts()).delayed, { timeout: 20_000 }).toBe(4);
  const { tasks } = await deliveries.list('delayed');
  const messages = tasks.map(({ errors }) => errors?.[0]?.message);
  expect(messages.filter((message) => message?.includes('not public'))).toHaveLength(3);
  expect((await deliveries.get('nonsense'))?.state).toBe('dead');
  expect(received).toEqual([]);
});

test('addresses of the public internet are told from others', () => {
  const others = ['127.0.0.1', '10.1.2.3', '169.254.169.254', '192.168.0.1', '172.31.0.1', '100.64.0.1'];
  others.push('0.0.0.0', '224.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1', 'fc00::1', 'ff02::1');
  others.push('::ffff:127.0.0.1', '::ffff:8.8.8.8', '64:ff9b::a00:1', '2002:a00:1::', '2001:db8::1', 'x');
  expect(others.filter(isPublic)).toEqual([]);
  expect(['8.8.8.8', '172.32.0.1', '2606:4700::1111'].filter((each) => !isPublic(each))).toEqual([]);
});

test('webhooks need a server key, and a file of origins', async () => {
  expect(() => createServer({ redis: url(), webhooks: 'x.json' })).toThrow('Webhooks need a Redis');
  const wrong = fileOf({ receivers: [{ origin: 'http://hooks.example.org', secrets }] });
  await expect(serve({ webhooks: wrong, serverKey: serverKey() })).rejects.toThrow('is no origin');
});
