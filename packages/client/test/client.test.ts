/** The clients against a real server: each has every operation as the server has it, and says what went wrong. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createClient,
  LeaseLostError,
  NonRetryableError,
  ProblemError,
  UnreachableError,
} from '@holdfast/client';
import { systemRandom } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks, type Locks } from '@holdfast/lock';
import { createQueue } from '@holdfast/queue';
import { createKey, createServer, type Server } from '@holdfast/server';
import { describe as documentOf, OPERATIONS } from '@holdfast/server/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
let nodes: LocalNodes;
let locks: Locks;
let server: Server;
let url: string;
let folder: string;
const made = createKey({ subject: 'all', scopes: ['*'] }, systemRandom);
const reader = createKey({ subject: 'reader', scopes: ['queues:read'] }, systemRandom);

beforeAll(async () => {
  nodes = await startNodes(4);
  const [data = '', ...voters] = nodes.urls;
  locks = createLocks({ nodes: voters, callTimeout: 5_000 });
  await locks.initialize();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-client-'));
  const keys = join(folder, 'keys.json');
  await writeFile(keys, JSON.stringify({ keys: [made.entry, reader.entry] }));
  const held = createQueue({ redis: data, name: 'held' });
  await held.guard.initialize(); // its Redis has lost no mark
  await held.close();
  server = createServer({ redis: data, locks, port: 0, keys });
  url = await server.listen();
});
afterAll(async () => {
  await server.close();
  await locks.close();
  await nodes.stop();
  await rm(folder, { recursive: true });
});

/** Code without what a formatter places as it likes. */
const bare = (text: string): string => text.replace(/[\s,;|()]/g, '').replaceAll("'", '"');

it('are as `npm run clients` makes them from the operations of the server', async () => {
  const generator = (name: string) => import(join(ROOT, 'scripts/clients', `${name}.mjs`));
  const model = (await generator('model')).modelOf(documentOf(OPERATIONS));
  const made: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'packages/client/src/operations': (await generator('typescript')).typescript(model),
    'clients/python/holdfast': (await generator('python')).python(model),
    'clients/go': (await generator('go')).go(model),
  };
  for (const [folder, files] of Object.entries(made)) {
    for (const [name, text] of Object.entries(files)) {
      const path = join(folder, name);
      expect(bare(readFileSync(join(ROOT, path), 'utf8')), `npm run clients: ${path}`).toBe(bare(text));
    }
  }
});

it('add and look up, and say which field is wrong, that a key is, and that nobody answers', async () => {
  const client = createClient({ url, key: made.key });
  expect(await client.queues.add('typed', { data: { n: 1 }, id: 'a/b' })).toEqual({ id: 'a/b', added: true });
  expect(await client.queues.get('typed', 'a/b')).toMatchObject({ state: 'waiting', data: { n: 1 } });
  const { tasks } = await client.queues.tasks('typed', { state: 'waiting', limit: 5 });
  expect(tasks.map(({ id }) => id)).toEqual(['a/b']);
  expect(await client.queues.remove('typed', 'a/b')).toBeUndefined();

  const wrong = await client.queues.add('typed', { data: 1, priority: 99 }).catch((error: unknown) => error);
  expect(wrong).toBeInstanceOf(ProblemError);
  expect(wrong).toMatchObject({ status: 400, code: 'HOLDFAST_MISUSE', errors: [{ field: 'body.priority' }] });
  await expect(createClient({ url }).queues.list()).rejects.toMatchObject({ status: 401 });
  const nobody = createClient({ url: 'http://127.0.0.1:1' });
  await expect(nobody.queues.list()).rejects.toThrow(UnreachableError);
  const reason = new Error('enough');
  const waiting = client.queues.get('typed', 'x', { wait: 20_000 }, { signal: AbortSignal.abort(reason) });
  await expect(waiting).rejects.toBe(reason);
});

it('work: what a handler returns or throws is what becomes of its task, and who has lost it is told', async () => {
  const client = createClient({ url, key: made.key });
  const stop = new AbortController();
  const told: unknown[] = [];
  const handled: unknown[] = [];
  const working = client.work(
    'worked',
    async (delivery) => {
      handled.push(delivery.data);
      if (delivery.data === 'wrong') throw new NonRetryableError('it is wrong');
      if (delivery.data === 'long') {
        await delivery.log('begun');
        await new Promise((resolve) => delivery.signal.addEventListener('abort', resolve));
        told.push(delivery.signal.reason);
        return 'too late';
      }
      await delivery.progress(0.5);
      return { token: delivery.token };
    },
    {
      lease: 6_000,
      concurrency: 2,
      kinds: ['fine', 'wrong', 'long'],
      signal: stop.signal,
      onError: (error) => told.push(error),
    },
  );
  await client.queues.addMany('worked', {
    tasks: [
      { data: 'of another kind', id: 'other', kind: 'other' },
      { data: 'fine', id: 'a', kind: 'fine' },
      { data: 'wrong', id: 'b', kind: 'wrong' },
    ],
  });
  const fine = await client.queues.get('worked', 'a', { wait: 20_000 });
  expect(fine).toMatchObject({ state: 'completed', result: { token: expect.any(Number) } });
  await expect.poll(async () => (await client.queues.get('worked', 'b')).state).toBe('dead');
  // Of one that has ended, the kind is not known.
  expect(await client.queues.get('worked', 'other')).toMatchObject({ kind: 'other' });
  expect(handled).not.toContain('of another kind');

  // It is told at the next renewal.
  await client.queues.add('worked', { data: 'long', id: 'c', kind: 'long' });
  const begun = async () => (await client.queues.get('worked', 'c')).state;
  await expect.poll(begun).toBe('active');
  await expect.poll(async () => handled.includes('long')).toBe(true);
  await client.queues.cancel('worked', 'c', { reason: 'enough' });
  await expect
    .poll(() => told.map(String))
    .toContain('LeaseLostError: Task "c" of "worked" was cancelled: enough.');
  stop.abort();
  await working;
  expect((await client.queues.get('worked', 'c')).state).toBe('cancelled');
  const stranger = createClient({ url, key: reader.key });
  await expect(stranger.work('worked', () => {})).rejects.toMatchObject({ status: 403 });
});

it('lease: one holds it, the next has it with a higher token, and who has lost it is told', async () => {
  const client = createClient({ url, key: made.key });
  const first = await client.lease('account:1', { ttl: 6_000 });
  await expect(client.lease('account:1')).rejects.toMatchObject({ status: 409 });
  const waiting = client.lease('account:1', { wait: 20_000 });
  await first.release();
  expect(first.left).toBe(0);
  const second = await waiting;
  expect(second.token).toBeGreaterThan(first.token);
  expect(second.left).toBeGreaterThan(0);
  const lost = new Promise((resolve) => second.signal.addEventListener('abort', resolve));
  await client.locks.break('account:1');
  await lost; // with its next renewal
  expect(second.signal.reason).toBeInstanceOf(LeaseLostError);
  {
    await using third = await client.lease('account:1', { wait: 5_000, above: second.token });
    expect(third.token).toBeGreaterThan(second.token);
  }
  expect((await client.locks.inspect('account:1')).held).toBe(false);
});

it('lease: tasks are added under it until a later holder has added one', async () => {
  const client = createClient({ url, key: made.key });
  const first = await client.lease('account:2');
  await client.queues.add('held', { data: 1, holder: first.holder });
  await first.release();
  await using second = await client.lease('account:2', { others: ['account:3'] });
  await client.queues.addMany('held', {
    tasks: [{ data: 2 }],
    holder: { ...second.holder, resource: 'account:2' },
  });
  const late = client.queues.add('held', { data: 3, holder: first.holder });
  await expect(late).rejects.toMatchObject({ status: 412, code: 'HOLDFAST_STALE_TOKEN' });
  expect((await client.queues.counts('held')).waiting).toBe(2);
});

it('lease: a renewal that hangs is given up, and asked for again', async () => {
  const renewals: string[] = [];
  const hanging: typeof fetch = async (input, init) => {
    if (init?.method !== 'PATCH') return fetch(input, init);
    if (renewals.push('asked') > 1) return fetch(input, init);
    return new Promise((_, reject) => {
      init.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
    });
  };
  const client = createClient({ url, key: made.key, fetch: hanging });
  await using lease = await client.lease('hanging', { ttl: 3_000 });
  await expect.poll(() => renewals.length).toBe(3); // the first hung, and the second was in time
  expect(lease.signal.aborted).toBe(false);
});

it('lease: several at once, shared, of a semaphore, and for as long as it takes to be elected', async () => {
  const client = createClient({ url, key: made.key });
  {
    await using several = await client.lease('kinds:1', { others: ['kinds:2'] });
    expect(several.others.map(({ resource }) => resource)).toEqual(['kinds:2']);
    await expect(client.lease('kinds:2')).rejects.toMatchObject({ status: 409 });
  }
  {
    await using reader = await client.lease('kinds:1', { shared: true });
    await using other = await client.lease('kinds:1', { shared: true });
    expect(other.token).toBe(reader.token);
    await using permit = await client.lease('kinds', { permits: 2 });
    expect(permit.resource).toMatch(/^kinds#[12]$/);
  }
  await using leader = await client.lease('kinds:1', { wait: Infinity });
  const found = await client.elections.leader('kinds:1');
  expect(found.leader?.token).toBe(leader.token);
});

it('streams: what cannot begin throws; what has begun goes on after the last event, at another server', async () => {
  const options = { redis: nodes.urls[0] ?? '' };
  const first = createServer({ ...options, port: 0 });
  const at = await first.listen();
  const client = createClient({ url: at });
  const missing = client.queues.events('nowhere')[Symbol.asyncIterator]();
  await expect(missing.next()).rejects.toMatchObject({ status: 404 });
  const unreachable = createClient({ url: 'http://127.0.0.1:1' }).queues.events('streamed');
  await expect(unreachable[Symbol.asyncIterator]().next()).rejects.toThrow(UnreachableError);

  await client.queues.add('streamed', { data: 0 });
  const wrong = client.queues.events('streamed', { after: 'nonsense' })[Symbol.asyncIterator]();
  await expect(wrong.next()).rejects.toMatchObject({ status: 400, code: 'HOLDFAST_MISUSE' });

  const stop = new AbortController();
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const { data } of client.queues.events('streamed', {}, { signal: stop.signal }))
      seen.push((data as { id: string }).id);
  })();
  const ids: string[] = [];
  const happen = async (): Promise<void> => {
    const { id } = await client.queues.add('streamed', { data: ids.length });
    await client.queues.remove('streamed', id);
    ids.push(id);
  };
  // It shows what happens from its beginning on.
  await vi.waitFor(
    async () => {
      await happen();
      expect(seen).not.toEqual([]);
    },
    { timeout: 20_000, interval: 20 },
  );
  await first.close();
  const second = createServer({ ...options, port: Number(new URL(at).port) });
  await second.listen();
  await happen();
  await expect.poll(() => seen.at(-1)).toBe(ids.at(-1));
  expect(seen).toEqual(ids.slice(-seen.length)); // none twice, and none passed over
  stop.abort(new Error('enough'));
  await expect(reading).rejects.toThrow('enough');
  await second.close();
});

/** Runs the tests of a client in another language to their end, which must be a good one. */
async function passes(folder: string, [program = '', ...args]: readonly string[]): Promise<void> {
  const child = spawn(program, args, {
    cwd: join(ROOT, folder),
    env: { ...process.env, HOLDFAST_URL: url, HOLDFAST_KEY: made.key, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk;
    });
  const [code] = await once(child, 'close');
  expect(code, said).toBe(0);
}

it('of Python does the same', () =>
  passes('clients/python', [
    process.env['HOLDFAST_PYTHON'] ?? 'python3',
    ...['-m', 'unittest', '-q', 'tests.test_client'],
  ]));

// Its compiler takes half a minute, so it is a test of `npm run test:full`.
if (process.env['HOLDFAST_TESTS'] === 'clients')
  it('of Go does the same', { timeout: 300_000 }, async () => {
    const { debianProgram } = await import('../../../scripts/others.mjs');
    const go = debianProgram('go', 'golang-go');
    await passes('clients/go', [go, 'vet', './...']);
    await passes('clients/go', [go, 'test', '-count=1', './...']);
  });
