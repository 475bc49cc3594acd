/** `holdfast serve` and `holdfast keys`: a server of its own process, asked over HTTP with a key, and stopped by SIGTERM. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { endAll, holdfast } from './cli.js';

let nodes: LocalNodes;
let folder: string;

beforeAll(async () => {
  nodes = await startNodes(1);
  folder = await mkdtemp(join(tmpdir(), 'holdfast-serve-'));
});
afterEach(endAll);
afterAll(async () => {
  await nodes.stop();
  await rm(folder, { recursive: true });
});

test('serves the operations to a key, writes a line for each request, and stops', async () => {
  const file = join(folder, 'keys.json');
  const made = await holdfast(['keys', 'create', 'shop', '--keys', file, '--scopes', 'queues:write=images'])
    .ended;
  expect(made).toMatchObject({ code: 0, stderr: '' });
  const key = made.stdout.trim();
  expect(await readFile(file, 'utf8')).not.toContain(key);
  const audit = join(folder, 'audit.jsonl');
  const flags = ['--port', '0', '--grpc-port', '0', '--drain', '0', '--audit', audit];
  const server = holdfast(['serve', ...flags], {
    HOLDFAST_KEYS: file,
    REDIS_URL: nodes.urls[0] ?? '',
  });
  const [, url] = await server.until(/serves (\S+);.* gRPC is at 127\.0\.0\.1:\d+\./);
  const reply = await fetch(`${url}/v1/queues/images/tasks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ data: 'cat', id: 'cat' }),
  });
  expect([reply.status, await reply.json()]).toEqual([201, { id: 'cat', added: true }]);
  server.signal('SIGTERM');
  const { code, stdout, stderr } = await server.ended;
  expect({ code, lines: stdout.trim().split('\n').length }).toEqual({ code: 0, lines: 1 });
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ level: 'info', msg: 'request', method: 'POST', route: '/v1/queues/{queue}/tasks', status: 201 },
    key: key.split('_')[1],
  });
  const trail = await readFile(audit, 'utf8');
  expect(trail).toContain('"operation":"queues.add"');
  expect(stdout + stderr + trail).not.toContain(key);
});

test('serves what a program defines', async () => {
  // As the command line itself is run: what was built, or the sources.
  const entry = process.env['HOLDFAST_BUILT'] === '1' ? 'dist/index.js' : 'src/index.ts';
  const queue = new URL(`../../queue/${entry}`, import.meta.url).href;
  const program = join(folder, 'program.mjs');
  await writeFile(
    program,
    `import { createQueue } from ${JSON.stringify(queue)};
const validate = (value) => (value === 'cat' ? { value } : { issues: [{ message: 'is no cat' }] });
const schema = { '~standard': { version: 1, vendor: 'test', validate } };
export default { queues: [createQueue({ redis: process.env.REDIS_URL, name: 'cats', schema })] };`,
  );
  const env = { REDIS_URL: nodes.urls[0] ?? '' };
  const server = holdfast(['serve', '--port', '0', '--drain', '0', '--app', program], env);
  const [, url] = await server.until(/serves (\S+);/);
  const add = (data: string) =>
    fetch(`${url}/v1/queues/cats/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ data }),
    });
  expect([(await add('dog')).status, (await add('cat')).status]).toEqual([400, 201]);
  server.signal('SIGTERM');
  expect((await server.ended).code).toBe(0);
  await writeFile(program, 'export default { queues: [1] };');
  const { code, stderr } = await holdfast(['serve', '--port', '0', '--app', program], env).ended;
  expect(code).toBe(64);
  expect(stderr).toContain('something else in it');
});

test('does not listen beyond the loopback without keys', async () => {
  const { code, stderr } = await holdfast(['serve', '--host', '0.0.0.0', '--port', '0']).ended;
  expect(code).toBe(64);
  expect(stderr).toContain('Without keys the server listens on 127.0.0.1 only');
});

test('lists keys, and revokes them', async () => {
  const file = join(folder, 'others.json');
  const wrong = await holdfast(['keys', 'create', 'shop', '--keys', file, '--scopes', 'queue:write']).ended;
  expect(wrong).toMatchObject({ code: 64, stderr: expect.stringContaining('A scope is') });
  await holdfast(['keys', 'create', 'shop', '--keys', file, '--scopes', '*']).ended;
  const listed = await holdfast(['keys', 'ls', '--keys', file]).ended;
  const [id = ''] = listed.stdout.split(' ');
  expect(listed.stdout).toBe(`${id}  shop  *\n`);
  expect(await holdfast(['keys', 'revoke', id, '--keys', file]).ended).toMatchObject({ code: 0 });
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ keys: [] });
});

test('revokes all keys at once, and lets servers be read-only', async () => {
  const file = join(folder, 'all.json');
  for (const subject of ['shop', 'bank'])
    await holdfast(['keys', 'create', subject, '--keys', file, '--scopes', '*']).ended;
  expect((await holdfast(['keys', 'freeze', '--keys', file]).ended).stdout).toBe('read-only\n');
  const all = await holdfast(['keys', 'revoke', 'all', '--keys', file]).ended;
  expect(all.stdout).toBe('revoked 2 keys\n');
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ keys: [], readOnly: true });
});
