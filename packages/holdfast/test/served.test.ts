/**
 * `holdfast --server`: each verb that a server has an operation for says through it what it says of Redis itself, with the same
 * exit codes; the others are refused. The server, its keys, the nodes and the data are real.
 */
import { EventEmitter } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFeatures, entity, t, view } from '@holdfast/features';
import { systemClock, systemRandom } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks, type Locks } from '@holdfast/lock';
import { createQueue, createWorker } from '@holdfast/queue';
import { createKey, createServer, type Server } from '@holdfast/server';
import { createIndex } from '@holdfast/vectors';
import { createWorkflows, defineWorkflow, NonRetryableError, type Workflows } from '@holdfast/workflow';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { main } from '../src/main.js';
import { called } from './called.js';
import { endAll, holdfast } from './cli.js';

const order = defineWorkflow({ name: 'order' }, async (ctx, { id }: { id: string }) => {
  const price = await ctx.step('price', () => 42);
  const answer = await ctx.approve<boolean>('price', { to: 'eve', show: { price } });
  await ctx.step('words', async (step) => {
    for (const word of ['Dear ', id, '\n']) await step.stream('draft').write(word);
  });
  return { id, approved: answer?.answer };
});
const broken = defineWorkflow({ name: 'broken' }, () => Promise.reject(new NonRetryableError('sold out')));

const all = createKey({ subject: 'all', scopes: ['*'] }, systemRandom);
const reader = createKey({ subject: 'reader', scopes: ['queues:read'] }, systemRandom);
let nodes: LocalNodes;
let locks: Locks;
let server: Server;
let app: Workflows;
let folder: string;
let direct: Readonly<Record<string, string>>;
let served: Readonly<Record<string, string>>;

beforeAll(async () => {
  nodes = await startNodes(4);
  const [data = '', ...voters] = nodes.urls;
  locks = createLocks({ nodes: voters, callTimeout: 5_000 });
  await locks.initialize();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-served-'));
  const keys = join(folder, 'keys.json');
  await writeFile(keys, JSON.stringify({ keys: [all.entry, reader.entry] }));
  server = createServer({ redis: data, locks, port: 0, keys });
  app = createWorkflows({ redis: data, name: 'app', workflows: [order, broken] });
  direct = { REDIS_URL: data, HOLDFAST_NODES: voters.join(',') };
  served = { HOLDFAST_SERVER: await server.listen(), HOLDFAST_KEY: all.key };
});
afterEach(endAll);
afterAll(async () => {
  await app.close();
  await server.close();
  await locks.close();
  await nodes.stop();
  await rm(folder, { recursive: true });
});

/** What both say, which is the same. */
async function same(...words: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const [one, other] = await Promise.all([called(words, direct), called(words, served)]);
  const read = (text: string): unknown => (words.includes('--json') && text ? JSON.parse(text) : text);
  expect({ ...other, stdout: read(other.stdout) }, words.join(' ')).toEqual({
    ...one,
    stdout: read(one.stdout),
  });
  return other;
}

/** What takes seconds is for the full mode. */
const inFull = (name: string, body: () => Promise<void>): void => {
  if (process.env['HOLDFAST_TESTS'] === 'full') test(name, body);
};

const through = (...words: string[]) => called(words, served);

test('shows queues, tasks, limits and schedules as Redis does, and changes them', async () => {
  await using queue = createQueue<{ n: number }>({
    redis: direct['REDIS_URL'] ?? '',
    name: 'images',
    attempts: 1,
  });
  await queue.add({ n: 1 }, { id: 'one', key: 'k' });
  const worker = createWorker({
    queue,
    handler: async (task) => {
      await task.log('looked');
      throw new Error('broken');
    },
  });
  await expect.poll(async () => (await queue.counts()).dead).toBe(1);
  await worker.stop();
  await queue.add({ n: 2 }, { id: 'two', delay: 3_600_000 });
  await queue.schedule('nightly', { n: 3 }, { cron: '0 3 * * *' });

  expect((await same('queue', 'show', 'images', '--state', 'dead')).stdout).toMatch(
    /one +k +\{"n":1\} +broken/,
  );
  expect((await same('queue', 'show', 'images', 'one')).stdout).toMatch(/1 +looked\n$/);
  await same('queue', 'show', 'images', 'one', '--json');
  await same('queue', 'show', 'images', 'none');
  await same('queue', 'show', 'missing');
  await same('queue', 'schedules', 'images');
  await same('queue', 'schedules', 'images', '--json');
  await same('queue', 'schedules', 'images', '--run', 'none');
  expect((await same('queue', 'limits', 'images')).stdout).toBe('There are no limits.\n');
  await through('queue', 'limits', 'images', '--concurrency', '5');
  expect((await same('queue', 'limits', 'images')).stdout).toContain('concurrency 5');
  const [, listed] = [await through('queue', 'pause', 'images'), await through('queue', 'ls')];
  expect(listed.stdout).toMatch(/^queue +waiting .*\nimages +0 +0 +1 +1 .* paused\n$/);
  expect((await through('queue', 'resume', 'images')).code).toBe(0);
  expect((await through('queue', 'cancel', 'images', 'two', '--reason', 'sold')).stdout).toBe(
    'two is cancelled.\n',
  );
  expect((await same('queue', 'cancel', 'images', 'two')).code).toBe(64);
  expect((await through('queue', 'retry', 'images', '--error', 'broken')).stdout).toBe(
    '1 dead letters are tried again.\n',
  );
  expect((await same('queue', 'retry', 'images', 'one')).code).toBe(64);
  expect((await through('queue', 'purge', 'images', '--state', 'waiting')).stdout).toContain(
    '1 waiting tasks',
  );
  const signals = new EventEmitter();
  const lines: string[] = [];
  const tail = main(['queue', 'tail', 'images', '--after', '0:0-0', '--json'], {
    ...{ env: served, signals, clock: systemClock, stderr: { write: () => {} } },
    stdout: {
      write: (line) => {
        if (lines.push(line) > 0 && line.includes('"cancelled"')) signals.emit('SIGINT', 'SIGINT');
      },
    },
  });
  expect(await tail).toBe(0);
  expect(JSON.parse(lines.find((line) => line.includes('"cancelled"')) ?? '')).toMatchObject({
    kind: 'cancelled',
    id: 'two',
    reason: 'sold',
  });
});

inFull('starts runs, shows them, approves, waits for results and ends them', async () => {
  const { close } = await workerOf();
  expect(await through('workflow', 'start', 'order', '--id', 'o1', '--input', '{"id":"o1"}')).toMatchObject({
    ...{ code: 0, stdout: 'o1\n', stderr: '' },
  });
  await expect
    .poll(async () => (await same('workflow', 'approvals', 'order', 'o1')).stdout)
    .toMatch(/price +eve/);
  await expect.poll(async () => (await app.counts(order)).sleeping).toBe(1);
  await same('workflow', 'approvals');
  expect((await same('workflow', 'show', 'order', 'o1')).stdout).toMatch(/0 +price +step +done/);
  await same('workflow', 'show', '--state', 'sleeping', '--json');
  await same('workflow', 'show', 'order', 'none');
  await same('workflow', 'show', 'nothing');
  expect(await through('workflow', 'approve', 'order', 'o1', 'price')).toMatchObject({ code: 0 });
  const result = await through('workflow', 'start', 'order', '--id', 'o1', '--result');
  expect(result).toMatchObject({ code: 0, stdout: '{"id":"o1","approved":true}\n' });
  expect((await same('workflow', 'approve', 'order', 'o1', 'price')).code).toBe(1);
  expect((await same('workflow', 'tail', 'order', 'o1', '--stream', 'draft')).stdout).toBe('Dear o1\n');
  const failed = await same('workflow', 'start', 'broken', '--id', 'b1', '--result');
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('sold out') });
  expect((await through('workflow', 'fork', 'order', 'o1', '--step', 'words', '--as', 'o2')).code).toBe(0);
  expect((await through('workflow', 'cancel', 'order', 'o1')).code).toBe(1);
  await expect.poll(async () => (await app.counts(order)).completed).toBe(2);
  await through('workflow', 'pause', 'broken');
  expect((await same('workflow', 'ls')).stdout).toMatch(/\nbroken .* paused\n|^.*broken .* paused/m);
  await same('workflow', 'ls', '--json');
  await through('workflow', 'resume', 'broken');
  await through('workflow', 'schedule', 'nightly', 'order', '--cron', '0 3 * * *', '--input', '{"id":"n"}');
  expect((await same('workflow', 'schedule')).stdout).toMatch(/nightly +order/);
  expect((await through('workflow', 'schedule', 'nightly', '--remove')).code).toBe(0);
  expect((await same('workflow', 'schedule', 'nightly', '--remove')).code).toBe(64);
  expect((await through('workflow', 'purge', '--state', 'completed', '--from', '1h')).stdout).toContain(
    '2 runs',
  );
  expect((await through('workflow', 'tail')).stderr).toContain('name it');
  await close();
});

async function workerOf(): Promise<{ close: () => Promise<void> }> {
  const worker = app.work();
  return { close: () => worker.stop() };
}

test('looks at locks and runs a program under a lease of the server', async () => {
  const script = 'echo "$HOLDFAST_RESOURCE $HOLDFAST_TOKEN"; exit 3';
  const words = ['run', '--lock', 'report', '--wait', '0', '--', 'sh', '-c', script];
  const ran = await holdfast(['--server', served['HOLDFAST_SERVER'] ?? '', ...words], {
    HOLDFAST_KEY: all.key,
  }).ended;
  expect(ran).toMatchObject({ code: 3, stderr: '', stdout: expect.stringMatching(/^report \d{16}\n$/) });
  await using held = await locks.acquire('report');
  expect((await through(...words)).code).toBe(75);
  const [one, other] = await Promise.all([
    called(['inspect', 'report'], direct),
    through('inspect', 'report'),
  ]);
  expect({ ...other, stdout: steady(other.stdout) }).toEqual({ ...one, stdout: steady(one.stdout) });
  expect(other.stdout).toContain(`token      ${held.token}`);
  const found = await through('doctor');
  expect(found.stdout).toContain('3 of 3 nodes can vote now; 2 are needed, so 1 more may fail.');
  expect(JSON.parse((await through('doctor', '--json')).stdout)).toHaveProperty('facts.nodes');
});

/** Without what goes on from call to call. */
const steady = (text: string): string => text.replaceAll(/\d+(\.\d+)?(ms|s)\b/g, '-').replaceAll(/ +/g, ' ');

inFull('looks at feature stores', async () => {
  const user = entity('user');
  const profile = view('profile', { entity: user, owner: 'growth', fields: { n: t.int() } });
  const store = createFeatures({ redis: direct['REDIS_URL'] ?? '', name: 'shop', views: [profile] });
  await store.apply();
  await using holder = await locks.acquire('profiles');
  const lane = await store.open(profile, { holder });
  await lane.land([{ id: 'u1', time: 1_000, values: { n: 7 } }]);
  await store.close();
  for (const words of [
    ['show', 'profile'],
    ['get', 'profile', 'u1'],
    ['get', 'profile', 'u1', '--json'],
    ['get', 'profile', 'none'],
    ['get', 'profile'],
    ['get', 'other', 'u1'],
    ['lanes', 'profile'],
    ['generations', 'profile'],
    ['health', '--json'],
    ['drift', 'profile'],
    ['drift', 'profile', '--json'],
    ['drift', 'none'],
  ]) {
    await same('features', ...words, '--store', 'shop');
  }
  expect((await through('features', 'ls', '--store', 'shop')).stdout).toMatch(/\nprofile +rows +user /);
  expect((await through('features', 'ls', '--store', 'none')).code).toBe(64);
});

inFull('looks at indexes of vectors, and searches by vector and by document', async () => {
  const kb = createIndex({ redis: direct['REDIS_URL'] ?? '', name: 'kb', vectors: { dimensions: 2 } });
  await kb.put({ id: 'a', vector: [1, 0], attributes: { kind: 'fruit' } });
  await kb.put({ id: 'b', vector: [0.9, 0.1] });
  const { place } = await kb.put({ id: 'c', vector: [0, 1] });
  await kb.search({ vector: [1, 0], after: place });
  await kb.close();
  await expect
    .poll(async () => (await through('vectors', 'search', 'kb', '--vector', '[1,0]')).stdout)
    .toContain('c ');
  // Scores are estimates, which differ from process to process.
  const ids = async (env: typeof served, ...words: string[]) =>
    JSON.parse((await called(['vectors', 'search', 'kb', ...words, '--json'], env)).stdout).map(
      ({ score: _, ...hit }: { score: number }) => hit,
    );
  for (const words of [
    ['--vector', '[1,0]'],
    ['--like', 'a', '--limit', '1'],
  ]) {
    const found = await ids(served, ...words);
    expect(found[0]).toMatchObject({ id: words[0] === '--like' ? 'b' : 'a' });
    expect(found).toEqual(await ids(direct, ...words));
  }
  expect((await through('vectors', 'search', 'kb', '--like', 'none')).code).toBe(64);
  const undefinedThere = await through('vectors', 'search', 'kb', '--terms', '{"a": 1}');
  expect(undefinedThere.stderr).toContain('"terms" of search needs "terms" of createIndex()');
  await same('vectors', 'search', 'kb');
  await same('vectors', 'search', 'none', '--vector', '[1]');
  expect((await through('vectors', 'ls')).stdout).toMatch(/\nkb +3 /);
  expect((await through('vectors', 'stats', 'kb')).stdout).toMatch(
    /\ndocuments +3, read in .*\nvectors +3 in 1 lists, /,
  );
});

test('refuses what a server has no operation for, and does not do it to Redis instead', async () => {
  const url = served['HOLDFAST_SERVER'] ?? '';
  const both = { ...served, ...direct };
  const refused = await called(['queue', 'weigh', 'images', 'acme', '--weight', '2'], both);
  expect(refused).toMatchObject({
    code: 64,
    stderr: expect.stringContaining(
      'a server has no operation for "queue weigh": run it against Redis itself, with --redis',
    ),
  });
  expect((await called(['init', '--server', url], direct)).stderr).toContain('with --nodes');
  expect((await called(['up', '--server', url])).stderr).toContain('does not work through a server');
  expect((await called(['queue', 'ls', '--server', url, '--redis', 'redis://x'])).stderr).toContain(
    'not both',
  );
  expect((await called(['queue', 'ls', '--prefix', 'x'], served)).stderr).toContain(
    'leave it out with --server',
  );
  expect((await called(['queue', 'ls', '--redis', direct['REDIS_URL'] ?? ''], served)).code).toBe(0);
});

test('says what the server has refused, by the exit codes, and never shows a key', async () => {
  const url = served['HOLDFAST_SERVER'] ?? '';
  const with_ = (key: string, ...words: string[]) =>
    called(words, { HOLDFAST_SERVER: url, HOLDFAST_KEY: key });
  const unknown = await with_(`${reader.key}x`, 'queue', 'ls', '--json');
  expect(unknown.code).toBe(64);
  expect(JSON.parse(unknown.stderr)).toMatchObject({ code: 'HOLDFAST_UNAUTHENTICATED' });
  const pause = await with_(reader.key, 'queue', 'pause', 'images', '--json');
  expect(JSON.parse(pause.stderr)).toMatchObject({ code: 'HOLDFAST_FORBIDDEN' });
  const gone = await called(['--server=http://127.0.0.1:1', 'queue', 'ls'], { HOLDFAST_KEY: reader.key });
  expect(gone).toMatchObject({ code: 69, stderr: expect.stringContaining('could not be reached') });
  const wrong = await called(['--server', 'http://me:secret@x', 'queue', 'ls']);
  expect(wrong).toMatchObject({ code: 64, stderr: expect.not.stringContaining('secret') });
  const file = join(folder, 'reader.key');
  await writeFile(file, `${reader.key}\n`);
  expect((await called(['queue', 'ls', '--server', url, '--key-file', file])).code).toBe(0);
  expect((await called(['queue', 'ls', '--server', url, '--key-file', join(folder, 'none')])).code).toBe(64);
  for (const { stderr } of [unknown, pause, gone]) expect(stderr).not.toContain(reader.key.slice(8));
});
