/** `holdfast queue`: what it shows of a real queue, and what it does to it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createQueue, createWorker } from '@holdfast/queue';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { called } from './called.js';
import { endAll, holdfast } from './cli.js';

let nodes: LocalNodes;
beforeAll(async () => {
  nodes = await startNodes(1);
});
afterEach(endAll);
afterAll(() => nodes.stop());

const url = (): string => nodes.urls[0] ?? '';
const call = (...words: string[]) => called(['queue', ...words], { REDIS_URL: url() });

test('shows queues and tasks, retries, pauses and purges', async () => {
  await using queue = createQueue<{ n: number }>({ redis: url(), name: 'images', attempts: 1 });
  const { id } = await queue.add({ n: 1 }, { id: 'one', key: 'k' });
  const worker = createWorker({
    queue,
    name: 'w',
    handler: () => {
      throw new Error('broken');
    },
  });
  await expect.poll(async () => (await queue.counts()).dead).toBe(1);
  await worker.stop();
  await queue.add({ n: 2 });

  const listed = await call('ls');
  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(listed.stdout).toMatch(/^queue +waiting +active +delayed +dead .*\nimages +1 +0 +0 +1 /);
  const waiting = await call('show', 'images');
  expect(waiting).toMatchObject({ code: 0, stderr: '' });
  expect(waiting.stdout).toContain('{"n":2}');
  expect((await call('show', 'images', '--state', 'dead')).stdout).toMatch(/one +k +\{"n":1\} +broken/);
  const shown = await call('show', 'images', id);
  expect(shown.stdout).toMatch(/state +dead/);
  expect(shown.stdout).toMatch(/1 +\d{4}-\S+Z +\S+ +w +broken/);
  expect(JSON.parse((await call('show', 'images', id, '--json')).stdout)).toMatchObject({
    id: 'one',
    failed: 1,
  });

  expect((await call('pause', 'images')).stdout).toContain('gives no tasks');
  expect((await call('ls')).stdout).toMatch(/paused\n$/);
  expect((await call('resume', 'images')).code).toBe(0);
  const none = await call('retry', 'images', '--error', 'other', '--most', '5');
  expect(none.stdout).toBe('0 dead letters are tried again.\n');
  expect((await call('retry', 'images', id, '--key', 'k')).code).not.toBe(0);
  expect((await call('retry', 'images', '--error', 'broken')).stdout).toBe(
    '1 dead letters are tried again.\n',
  );
  expect(await queue.counts()).toMatchObject({ dead: 0, waiting: 2, paused: false });
  expect((await call('purge', 'images', '--state', 'waiting')).stdout).toBe(
    '2 waiting tasks were removed.\n',
  );
});

test('cancels a task, and says why it is gone', async () => {
  await using queue = createQueue<number>({ redis: url(), name: 'orders' });
  await queue.add(1, { id: 'o1' });
  expect(await call('cancel', 'orders', 'o1', '--reason', 'sold')).toMatchObject({
    code: 0,
    stdout: 'o1 is cancelled.\n',
  });
  expect((await call('show', 'orders', 'o1')).stdout).toMatch(/state +cancelled\n.*reason +sold/s);
  expect((await call('show', 'orders', '--state', 'cancelled')).stdout).toMatch(/o1 .* sold/);
  expect(await call('cancel', 'orders', 'o1')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('"o1" is no task of "orders" that waits or runs'),
  });
  expect((await call('cancel', 'orders')).code).toBe(64);
});

test('changes a task that waits, and says why it changes nothing', async () => {
  await using queue = createQueue<number>({ redis: url(), name: 'changed' });
  await queue.add(1, { id: 'o1', delay: 3_600_000 });
  expect((await call('change', 'changed', 'o1', '--data', '2', '--priority', '3')).stdout).toBe(
    'o1 is changed.\n',
  );
  expect(await queue.get('o1')).toMatchObject({ data: 2, priority: 3, state: 'delayed' });
  expect((await call('promote', 'changed', 'o1')).stdout).toBe('o1 is due.\n');
  expect(await queue.get('o1')).toMatchObject({ state: 'waiting' });
  expect((await call('reschedule', 'changed', 'o1', '--at', '2099-01-01', '--json')).stdout).toBe(
    '{"changed":"o1"}\n',
  );
  expect((await queue.get('o1'))?.due).toBeGreaterThan(3_600_000);
  expect((await call('reschedule', 'changed', 'o1', '--in', '0s')).code).toBe(0);
  await queue.cancel('o1');
  for (const [words, says] of [
    [['promote', 'changed', 'o1'], 'has ended'],
    [['promote', 'changed', 'o2'], 'there is no task'],
    [['reschedule', 'changed', 'o1'], 'give --at or --in'],
    [['reschedule', 'changed', 'o1', '--at', 'noon'], '--at is a time'],
    [['change', 'changed', 'o1'], 'give --data'],
    [['change', 'changed', 'o1', '--data', '{'], 'not JSON'],
    [['change', 'changed', 'o1', '--priority', '10'], '0 to 9'],
  ] as const)
    expect(await call(...words)).toMatchObject({ code: 64, stderr: expect.stringContaining(says) });
});

test('tells Prometheus of all queues, once and when asked', async () => {
  await using queue = createQueue<number>({ redis: url(), name: 'measured' });
  await queue.add(1);
  await queue.add(2, { delay: 60_000 });
  const written = await call('metrics');
  expect(written).toMatchObject({ code: 0, stderr: '' });
  expect(written.stdout).toContain('# TYPE holdfast_queue_tasks gauge\n');
  expect(written.stdout).toContain('holdfast_queue_tasks{queue="measured",state="waiting"} 1\n');
  expect(written.stdout).toContain('holdfast_queue_tasks{queue="measured",state="delayed"} 1\n');
  expect(written.stdout).toMatch(/holdfast_queue_oldest_seconds\{queue="measured"\} \d/);

  const serving = holdfast(['queue', 'metrics', '--listen', '0'], { REDIS_URL: url() });
  const [address = ''] = await serving.until(/http:\S+/);
  await queue.add(3);
  const answer = await fetch(address);
  expect(await answer.text()).toContain('holdfast_queue_tasks{queue="measured",state="waiting"} 2\n');
  serving.signal('SIGTERM');
  expect((await serving.ended).code).toBe(0);
});

test('follows what happens until it is interrupted', async () => {
  await using queue = createQueue<number>({ redis: url(), name: 'followed' });
  await queue.add(0, { delay: 60_000 });
  const tail = holdfast(['queue', 'tail', 'followed'], { REDIS_URL: url() });
  await using worker = createWorker({ queue, handler: ({ data }) => data * 2 });
  await expect
    .poll(async () => {
      await queue.add(21);
      return tail.stdout;
    })
    .toMatch(/completed +\S+ +42\n/);
  tail.signal('SIGINT');
  expect((await tail.ended).code).toBe(0);
  await worker.stop();
});

test('retries all dead letters but those whose id is that of a living task', async () => {
  await using queue = createQueue<number>({ redis: url(), name: 'letters', attempts: 1 });
  const ids = Array.from({ length: 520 }, (_, index) => `task ${index}`);
  await queue.addMany(ids.map((id) => ({ data: 1, options: { id } })));
  const worker = createWorker({
    queue,
    concurrency: 100,
    handler: () => {
      throw new Error('broken');
    },
  });
  await expect.poll(async () => (await queue.counts()).dead).toBe(520);
  await worker.stop();
  await queue.addMany(ids.slice(0, 505).map((id) => ({ data: 2, options: { id } })));
  expect((await call('retry', 'letters')).stdout).toBe('15 dead letters are tried again.\n');
  expect(await queue.counts()).toMatchObject({ dead: 505, waiting: 520 });
});

test('says what is wrong', async () => {
  expect(await call('show', 'nothing')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('there is no queue'),
  });
  expect(await call('dance', 'x')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('unknown action "dance"; the actions are ls, metrics, show'),
  });
  expect(await called(['queue', 'ls'])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('REDIS_URL'),
  });
  const away = await called(['queue', 'ls', '--redis', 'redis://u:secret@127.0.0.1:1']);
  expect(away.code).toBe(69);
  expect(away.stderr).not.toContain('secret');
});

test('follows events after a cursor, with the moves that were asked for', async () => {
  await using queue = createQueue<number>({ redis: url(), name: 'moved' });
  await queue.add(0, { delay: 60_000 });
  expect((await call('announce', 'moved', '--moves', 'added')).stdout).toBe('"moved" announces added.\n');
  expect((await call('announce', 'moved', '--moves', 'ended')).code).toBe(64);
  const tail = holdfast(['queue', 'tail', 'moved', '--json', '--after', '0:0-0'], { REDIS_URL: url() });
  const { id } = await queue.add(1, { delay: 60_000 });
  await expect.poll(() => tail.stdout).toContain(`"kind":"added","id":"${id}"`);
  tail.signal('SIGINT');
  expect((await tail.ended).code).toBe(0);
  expect(await call('tail', 'moved', '--after', 'x')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('cursor of an event of "moved"'),
  });
});

test('weighs a tenant, and sets a breaker', async () => {
  await using queue = createQueue<string>({ redis: url(), name: 'tenants' });
  await queue.add('later', { delay: 3_600_000 });
  expect(await call('weigh', 'tenants', 'acme', '--weight', '3')).toMatchObject({
    ...{ code: 0, stdout: 'acme has a weight of 3.\n' },
  });
  for (const wrong of [[], ['--weight', '0'], ['--weight', '1001'], ['--weight', 'x']])
    expect((await call('weigh', 'tenants', 'acme', ...wrong)).code).toBe(64);
  for (const tenant of ['acme', 'acme', 'acme', 'acme', 'other']) await queue.add(tenant, { tenant });
  const seen: string[] = [];
  await using _ = createWorker({ queue, handler: ({ data }) => void seen.push(data) });
  await expect.poll(() => seen).toEqual(['acme', 'acme', 'acme', 'other', 'acme']);

  expect((await call('limits', 'tenants', '--breaker', '20/10s/30s')).code).toBe(0);
  await call('limits', 'tenants', '--concurrency', '5');
  const breaker = { failures: 20, within: 10_000, pause: 30_000 };
  expect(await queue.limits()).toEqual({ version: 2, concurrency: 5, breaker });
  expect((await call('limits', 'tenants', '--breaker', '20/10s')).code).toBe(64);
});

test('releases a deduplication key', async () => {
  await using queue = createQueue<number>({ redis: url(), name: 'unique' });
  await queue.add(0, { deduplicate: { key: 'd', until: 'ended' } });
  expect(await call('release', 'unique', 'd')).toMatchObject({ code: 0, stdout: 'd is free.\n' });
  expect(await call('release', 'unique', 'd')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('the deduplication key "d" has no window in "unique"'),
  });
  expect((await call('release', 'unique')).code).toBe(64);
});

test('shows limits, and changes those that are named', async () => {
  await using queue = createQueue<number>({ redis: url(), name: 'limited' });
  await queue.add(0, { delay: 60_000 });
  expect((await call('limits', 'limited')).stdout).toBe('There are no limits.\n');
  expect((await call('limits', 'limited', '--concurrency', '5', '--rate', '100/1s')).stdout).toBe(
    'version 1: concurrency 5, rate {"max":100,"per":1000}\n',
  );
  await call('limits', 'limited', '--concurrency', 'none', '--key-concurrency', '2');
  expect(await queue.limits()).toEqual({
    version: 2,
    rate: { max: 100, per: 1_000 },
    keys: { concurrency: 2 },
  });
  const { stdout } = await call('limits', 'limited', '--keep-results', '500/1h', '--keep-dead', '0/10s');
  expect(stdout).toContain('retain {"count":500,"age":3600000,"dead":{"count":0,"age":10000}}');
  expect((await call('limits', 'limited', '--waiting', '9', '--keep-dead', 'none')).stdout).toContain(
    'waiting 9, rate {"max":100,"per":1000}, keys {"concurrency":2}, retain {"count":500,"age":3600000}',
  );
  expect(await call('limits', 'limited', '--rate', 'fast')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('--rate is <count>/<duration> or "none"; got "fast"'),
  });
});

test('lists schedules, runs one now, and removes one', async () => {
  await using queue = createQueue<string>({ redis: url(), name: 'planned' });
  await queue.schedule('nightly', 'report', {
    cron: '0 3 * * *',
    timezone: 'Europe/Berlin',
    overlap: 'skip',
  });
  expect((await call('schedules', 'planned')).stdout).toMatch(
    /^schedule +times +next *\nnightly +0 3 \* \* \* Europe\/Berlin +\d{4}-\S+Z +no overlap\n$/,
  );
  expect((await call('schedules', 'planned', '--run', 'nightly')).stdout).toMatch(
    /^schedule:nightly:now:\S+ is added\.\n$/,
  );
  expect((await queue.counts()).waiting).toBe(1);
  expect(await call('schedules', 'planned', '--run', 'nightly')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('its last task has not ended'),
  });
  expect((await call('schedules', 'planned', '--remove', 'nightly')).code).toBe(0);
  expect((await call('schedules', 'planned', '--remove', 'nightly')).code).toBe(64);
});

test('reads what a codec has encoded with that codec, and says what is encoded without it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-'));
  const file = join(folder, 'codec.mjs');
  await writeFile(
    file,
    'const turn = (bytes) => Uint8Array.from(bytes).reverse();\nexport default { encode: turn, decode: turn };\n',
  );
  const { default: codec } = await import(pathToFileURL(file).href);
  await using queue = createQueue<string>({ redis: url(), name: 'secrets', attempts: 1, codec });
  try {
    await queue.add('of alice', { id: 's' });
    const worker = createWorker({
      queue,
      handler: async (task) => {
        await task.log('line of alice');
        throw new Error('not for alice');
      },
    });
    await expect.poll(async () => (await queue.counts()).dead).toBe(1);
    await worker.stop();
    const DEAD = ['show', 'secrets', '--state', 'dead'];
    expect((await call(...DEAD, '--codec', file)).stdout).toMatch(/s +"of alice" +not for alice/);
    expect((await call(...DEAD)).stdout).toMatch(/s +\(encoded\) +\(encoded\)/);
    expect((await call('show', 'secrets', 's', '--codec', file)).stdout).toMatch(/1 +line of alice/);
    const shown = await call('show', 'secrets', 's');
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('(encoded)') });
    expect(shown.stdout).not.toContain('alice');
    const RETRY = ['retry', 'secrets', '--error', 'alice'];
    expect(await call(...RETRY)).toMatchObject({ code: 64, stderr: expect.stringContaining('give --codec') });
    expect((await call(...RETRY, '--codec', file)).stdout).toMatch(/^1 dead letters/);
    await call('change', 'secrets', 's', '--data', '"of bob"', '--codec', file);
    expect((await queue.get('s'))?.data).toBe('of bob');
    expect((await call('show', 'secrets')).stdout).toContain('(encoded)');
    expect(await call('show', 'secrets', '--codec', join(folder, 'none.mjs'))).toMatchObject({ code: 64 });
  } finally {
    await rm(folder, { recursive: true });
  }
});
