/** Workflows over HTTP, whose functions run in a worker of their own: starts, waits, messages, streams that resume. */
import { createQueue } from '@holdfast/queue';
import { createWorkflows, defineWorkflow, type Workflow } from '@holdfast/workflow';
import { expect, test } from 'vitest';
import { keysOf, later, type Served, serve, url, useRedis } from './setting.js';

useRedis();

const order = defineWorkflow({ name: 'order' }, async (ctx, input: { item: string }) => {
  await ctx.step('write', async (step) => {
    for (const word of ['one', 'two']) await step.stream('words').write(word);
  });
  ctx.state.set({ item: input.item });
  return `${input.item} for ${await ctx.receive<string>('buyer')}`;
});

// biome-ignore lint/suspicious/noExplicitAny: whatever they take and give.
function work(...workflows: Workflow<any, any>[]) {
  const app = createWorkflows({ redis: url(), workflows });
  later(() => app.close());
  app.work();
  return app;
}

const RUNS = '/v1/workflows/order/runs';
const start = ({ ask }: Served, body: object, headers: Record<string, string> = {}) =>
  ask('POST', RUNS, { body, headers });

/** The events of a stream, until it ends or there are so many. */
async function eventsOf(at: string, most: number, headers: Record<string, string> = {}): Promise<string[]> {
  const gone = new AbortController();
  const response = await fetch(at, { headers, signal: gone.signal });
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk);
    if (text.split('\n\n').filter((part) => part.includes('data:')).length >= most) break;
  }
  gone.abort();
  return text
    .split('\n\n')
    .filter((part) => part.includes('data:'))
    .slice(0, most);
}

test('a run is started, is sent a message, and gives its result to whoever waits', async () => {
  const served = await serve();
  work(order);
  await expect.poll(async () => (await served.ask('GET', '/v1/workflows')).body.workflows).toEqual(['order']);
  const started = await start(served, { input: { item: 'kelp' }, id: 'o1' });
  expect(started).toMatchObject({ status: 201, body: { workflow: 'order', id: 'o1' } });
  const waiting = served.ask('GET', `${RUNS}/o1?wait=20000`);
  const sent = await served.ask('POST', `${RUNS}/o1/messages/buyer`, { body: { payload: 'eve' } });
  expect(sent.body).toEqual({ sent: true });
  expect((await waiting).body).toMatchObject({
    status: 'completed',
    result: 'kelp for eve',
    state: { item: 'kelp' },
  });
  const { records } = (await served.ask('GET', `${RUNS}/o1/history`)).body;
  expect(records[0]).toMatchObject({ kind: 'header', workflow: 'order' });
  const listed = await served.ask('GET', `${RUNS}?state=completed`);
  expect(listed.body).toEqual({ runs: [expect.objectContaining({ id: 'o1', state: 'completed' })] });
});

test('runs are listed page by page', async () => {
  const served = await serve();
  const app = work(order);
  const ids = Array.from({ length: 25 }, (_, n) => `o${n}`);
  for (const id of ids) await app.start(order, { item: 'a' }, { id });
  const seen: string[] = [];
  let cursor = '';
  do {
    const at = `${RUNS}?limit=4${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const { runs, next = '' } = (await served.ask('GET', at)).body;
    seen.push(...runs.map(({ id }: { id: string }) => id));
    cursor = next;
  } while (cursor !== '');
  expect([...new Set(seen)].sort()).toEqual(ids.sort());
  const wrong = await served.ask('GET', `${RUNS}?cursor=9.live.0`);
  expect(wrong).toMatchObject({ status: 400, body: { code: 'HOLDFAST_MISUSE' } });
});

test('a start that is repeated with its key is the same run, and so is a message', async () => {
  const served = await serve();
  work(order);
  await expect.poll(async () => (await served.ask('GET', '/v1/workflows')).body.workflows).toEqual(['order']);
  const key = { 'idempotency-key': 'k' };
  const [first, second] = [
    await start(served, { input: { item: 'a' } }, key),
    await start(served, { input: { item: 'a' } }, key),
  ];
  expect(second.body.id).toBe(first.body.id);
  expect((await served.ask('GET', '/v1/workflows/order')).body).toMatchObject({ completed: 0 });
  expect((await served.ask('GET', RUNS)).body.runs).toHaveLength(1);
});

test('a stream goes on after the event that was seen last, and ends with the run', async () => {
  const served = await serve();
  const app = work(order);
  const run = await app.start(order, { item: 'kelp' }, { id: 'o1' });
  const at = `${served.url}${RUNS}/o1/streams/words`;
  const [first = ''] = await eventsOf(at, 1);
  expect(first).toContain('event: chunk\ndata: {"chunk":"one"');
  const id = /^id: (.*)$/m.exec(first)?.[1] ?? '';
  await run.send('buyer', 'eve');
  const rest = await eventsOf(at, 99, { 'last-event-id': id });
  expect(rest).toHaveLength(2);
  expect(rest[0]).toContain('data: {"chunk":"two"');
  expect(rest[1]).toContain('event: end');
});

test('what is kept in a run is shown only to those who may see it; cancelling is for those who may write', async () => {
  const { file, keys } = keysOf({ reader: ['workflows:read'], writer: ['workflows:write=order'] });
  const { ask } = await serve({ keys: file });
  await work(order).start(order, { item: 'secret' }, { id: 'o1' });
  await expect
    .poll(async () => (await ask('GET', `${RUNS}/o1`, { key: keys.reader })).body)
    .toEqual({ workflow: 'order', id: 'o1', status: 'sleeping' });
  expect((await ask('GET', `${RUNS}/o1/history`, { key: keys.reader })).status).toBe(403);
  expect((await ask('POST', `${RUNS}/o1:cancel`, { body: {}, key: keys.reader })).status).toBe(403);
  const cancelled = await ask('POST', `${RUNS}/o1:cancel`, { body: { reason: 'no' }, key: keys.writer });
  expect(cancelled.body).toEqual({ cancelled: true });
  await expect
    .poll(async () => (await ask('GET', `${RUNS}/o1`, { key: keys.reader })).body)
    .toMatchObject({ status: 'cancelled', reason: 'no' });
});

test('an app that is not there, a run and a workflow that are unknown are 404', async () => {
  const served = await serve();
  expect((await served.ask('GET', '/v1/workflows')).body).toEqual({ workflows: [] });
  expect(await served.ask('GET', `${RUNS}/o1`)).toMatchObject({
    status: 404,
    body: { code: 'HOLDFAST_NOT_FOUND' },
  });
  work(order);
  await expect.poll(async () => (await served.ask('GET', `${RUNS}/o1`)).body.code).toBe('HOLDFAST_RUN_GONE');
  const stream = await served.ask('GET', `${RUNS}/o1/streams/words`);
  expect(stream).toMatchObject({ status: 404, body: { code: 'HOLDFAST_RUN_GONE' } });
});

test('an approval is answered by who may, and names them', async () => {
  const refund = defineWorkflow({ name: 'order' }, async (ctx) => ctx.approve('refund', { to: 'boss' }));
  const { file, keys } = keysOf({
    eve: ['workflows:approve', 'workflows:data', 'workflows:read'],
    bob: ['workflows:write'],
  });
  const { ask } = await serve({ keys: file });
  await work(refund).start(refund, 1, { id: 'o1' });
  await expect
    .poll(async () => (await ask('GET', `${RUNS}/o1/approvals`, { key: keys.eve })).body.approvals)
    .toHaveLength(1);
  const [{ id, name }] = (await ask('GET', `${RUNS}/o1/approvals`, { key: keys.eve })).body.approvals;
  const body = { approval: { id, name }, answer: true };
  expect((await ask('POST', `${RUNS}/o1:approve`, { body, key: keys.bob })).status).toBe(403);
  expect((await ask('POST', `${RUNS}/o1:approve`, { body, key: keys.eve })).body).toEqual({ approved: true });
  const ended = await ask('GET', `${RUNS}/o1?wait=20000`, { key: keys.eve });
  expect(ended.body).toMatchObject({ status: 'completed', result: { answer: true, by: 'eve' } });
});

test('events of a queue go on after the one that was seen last', async () => {
  const served = await serve();
  const queue = createQueue({ redis: url(), name: 'q' });
  later(() => queue.close());
  await queue.announce(['added']);
  await queue.add(1, { id: 'a' });
  const at = `${served.url}/v1/queues/q/events`;
  const following = eventsOf(at, 1);
  await expect
    .poll(async () => {
      await queue.add(2, { id: 'b' });
      await queue.remove('b');
      return Promise.race([following, undefined]);
    })
    .toHaveLength(1);
  const id = /^id: (.*)$/m.exec((await following)[0] ?? '')?.[1] ?? '';
  await queue.add(3, { id: 'c' });
  const rest = await eventsOf(at, 1, { 'last-event-id': id });
  expect(rest[0]).toMatch(/event: (added|removed)/);
});
