/** Events of runs on a real server: what is downstream learns of each, also after it was away. */
import {
  defineWorkflow,
  LeaseLostError,
  MisuseError,
  type WorkflowEvent,
  type Workflows,
} from '@holdfast/workflow';
import { expect, it } from 'vitest';
import { appOf, client, eventually, useRedis } from './setting.js';

useRedis();

const ask = defineWorkflow({ name: 'ask' }, async (ctx) => {
  await ctx.sleep(30);
  return ctx.receive('answer');
});

const told = (events: readonly WorkflowEvent[]): unknown[] =>
  events.map((event) => (event.kind === 'gap' ? 'gap' : `${event.kind} ${event.run}`));

/** Reads so many events, and handles all of them but perhaps the last. */
async function take(events: AsyncIterable<WorkflowEvent>, count: number): Promise<WorkflowEvent[]> {
  const got: WorkflowEvent[] = [];
  for await (const event of events) {
    got.push(event);
    if (got.length === count) break;
  }
  return got;
}

async function answered(app: Workflows, id: string): Promise<void> {
  const run = await app.start(ask, null, { id });
  await run.send('answer', 1);
  await run.result();
}

it('tells that runs start, wait for messages and end, and goes on at a cursor', async () => {
  const app = appOf([ask], { partitions: 3 });
  app.work();
  const run = await app.start(ask, null, { id: 'one', key: 'k' });
  const events: WorkflowEvent[] = [];
  for await (const event of app.events({ after: 'oldest' })) {
    events.push(event);
    if (event.kind === 'waiting') await run.send('answer', 1);
    if (event.kind === 'ended') break;
  }
  expect(events).toMatchObject([
    { kind: 'started', workflow: 'ask', run: 'one', key: 'k' },
    { kind: 'waiting', waitsFor: ['answer'] },
    { kind: 'ended', status: 'completed' },
  ]);
  const [first] = events;
  const rest = await take(app.events({ after: first?.cursor as string }), 2);
  expect(rest.map(({ kind }) => kind)).toEqual(['waiting', 'ended']);
  expect(() => app.events({ after: '0:1-0' })).toThrow(MisuseError);
  expect(() => app.events({ after: 'oldest', reader: 'r' })).toThrow(MisuseError);
});

it('keeps the place of a named reader, and gives again what it has not gone beyond', async () => {
  const app = appOf([ask]);
  app.work();
  await answered(app, 'one');
  const all = await take(app.events({ reader: 'billing' }), 2);
  expect(told(all)).toContain('started one');
  // It was stopped in its first batch.
  const again = await take(app.events({ reader: 'billing' }), 2);
  expect(again).toEqual(all);
  const first: WorkflowEvent[] = [];
  const reading = (async () => {
    for await (const event of app.events({ reader: 'billing' })) first.push(event);
  })();
  reading.catch(() => {});
  await eventually(() => told(first).includes('ended one'), true);
  await answered(app, 'two');
  await eventually(() => told(first).includes('ended two'), true);
  const second: WorkflowEvent[] = [];
  const abort = new AbortController();
  const other = (async () => {
    for await (const event of app.events({ reader: 'billing', signal: abort.signal })) second.push(event);
  })();
  other.catch(() => {});
  await answered(app, 'three');
  await eventually(() => told(second).includes('ended three'), true);
  expect(told(second)).not.toContain('ended one');
  await expect(reading).rejects.toThrow(LeaseLostError);
  abort.abort();
  await expect(other).rejects.toMatchObject({ code: 'HOLDFAST_ABORTED' });
});

it('says that there is a gap where events were dropped before they were read', async () => {
  const app = appOf([ask]);
  app.work();
  await answered(app, 'one');
  const [first] = await take(app.events({ after: 'oldest' }), 1);
  await client().xtrim('{wf:test.0}:events', 'MAXLEN', 0);
  await answered(app, 'two');
  const events = await take(app.events({ after: first?.kind === 'started' ? first.cursor : '' }), 2);
  expect(told(events)).toEqual(['gap', 'started two']);
});

it('gives new events to a reader after the server has lost some, whatever its clock says', async () => {
  const app = appOf([ask]);
  app.work();
  await answered(app, 'one');
  // As of a server whose clock was ahead, and whose successor begins an epoch above all that it issued.
  const ahead = Date.now() + 3_600_000;
  await client().hset('{wf:test.0}:meta', 'server', 'another', 'token', `${ahead}000`);
  const from = `0:${ahead}-0`;
  await app.start(ask, null, { id: 'two' });
  const events = await take(app.events({ after: from }), 2);
  expect(told(events)).toEqual(['gap', 'started two']);
});

it('keeps about 100,000 events, and none of more than 7 days', async () => {
  const app = appOf([ask]);
  const key = '{wf:test.0}:events';
  await client().eval(
    "for index = 1, 100500 do redis.call('XADD', KEYS[1], ARGV[1] .. '-' .. index, 'started', 'flow/old/old') end",
    ...[1, key, String(Date.now() - 86_400_000)],
  );
  await app.start(ask, null);
  const length = await client().xlen(key);
  expect(length).toBeGreaterThanOrEqual(100_000);
  expect(length).toBeLessThan(100_200);
  await client().del(key);
  await client().eval(
    "for index = 1, 300 do redis.call('XADD', KEYS[1], ARGV[1] .. '-' .. index, 'started', 'flow/old/old') end",
    ...[1, key, String(Date.now() - 8 * 86_400_000)],
  );
  // One call in about a hundred looks for what is too old.
  const left = async () => {
    await Promise.all(Array.from({ length: 20 }, () => app.start(ask, null)));
    const old = await client().xrange(key, '-', String(Date.now() - 7 * 86_400_000));
    return old.length;
  };
  await expect.poll(left, { timeout: 20_000, interval: 0 }).toBeLessThan(100);
});
