/** `holdfast up`: nodes that are usable at once, and gone at the end. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { called } from './called.js';
import { type Cli, endAll, holdfast, isAlive } from './cli.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-up-'));
});
afterEach(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

function up(...words: readonly string[]): Cli {
  return holdfast(['up', '--nodes', '3', '--port', '0', '--folder', join(folder, 'nodes'), ...words]);
}

interface Ready {
  nodes: string[];
  environment: Record<string, string>;
}

async function ready(cli: Cli): Promise<Ready> {
  const [line] = await cli.until(/^\{"nodes":.*\}$/m);
  return JSON.parse(line) as Ready;
}

async function pidOf(url: string): Promise<number> {
  const client = new Redis(url);
  const info = await client.info('server');
  client.disconnect();
  return Number(/process_id:(\d+)/.exec(info)?.[1]);
}

/**
 * Runs a program under a lease; with no time to wait, so that a quarantine would show. A node has a fifth of the TTL to
 * answer: 4 s.
 */
function runOn(environment: Record<string, string>) {
  const words = ['run', '--lock', 'a', '--wait', '0', '--ttl', '20s'];
  return holdfast([...words, '--', 'sh', '-c', 'echo $HOLDFAST_TOKEN'], environment).ended;
}

const RAN = { code: 0, stdout: expect.stringMatching(/^\d+\n$/), stderr: '' };

test('prints a line to copy, with which the other commands work, and Ctrl-C leaves nothing', async () => {
  const cli = up();
  const [, nodes = ''] = await cli.until(/^export HOLDFAST_NODES=(\S+)\n[\s\S]*Ctrl-C/m);
  const urls = nodes.split(',');
  for (const url of urls) expect(cli.stdout).toContain(`${url}\n`);
  expect(await runOn({ HOLDFAST_NODES: nodes })).toEqual(RAN);
  const pids = await Promise.all(urls.map(pidOf));
  cli.signal('SIGINT');
  expect(await cli.ended).toMatchObject({ code: 0 });
  for (const pid of pids) expect(await isAlive(pid)).toBe(false);
});

test('a second start in the same folder, on the same ports, is empty and usable', async () => {
  const words = ['--nodes', '1', '--json'];
  const first = up(...words);
  const { nodes, environment } = await ready(first);
  expect(await runOn(environment)).toEqual(RAN);
  first.signal('SIGTERM');
  expect((await first.ended).code).toBe(0);
  const second = up(...words, '--port', new URL(nodes[0] ?? '').port);
  expect(await ready(second)).toEqual({ ...(await ready(first)), nodes, environment });
  const client = new Redis(nodes[0] ?? '');
  expect(await client.keys('*')).toEqual(['{holdfast}:record']);
  client.disconnect();
  expect(await runOn(environment)).toEqual(RAN);
});

test('with --persist a second start remembers, and needs no quarantine', async () => {
  const first = up('--persist', '--json', '--max-ttl', '20s', '--nodes', '1');
  const { nodes, environment } = await ready(first);
  expect(environment).toMatchObject({ HOLDFAST_PERSISTENCE: 'synchronous', HOLDFAST_MAX_TTL: '20s' });
  const before = await runOn(environment);
  expect(before).toEqual(RAN);
  first.signal('SIGINT');
  expect(await first.ended).toMatchObject({ code: 0 });
  const port = new URL(nodes[0] ?? '').port;
  const second = up('--persist', '--json', '--max-ttl', '20s', '--nodes', '1', '--port', port);
  await ready(second);
  const inspected = await called(['inspect', 'a', '--json'], environment);
  expect(inspected).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(inspected.stdout)).toMatchObject({ held: false, fence: Number(before.stdout) });
  expect(await runOn(environment)).toEqual(RAN);
});

test('persistent nodes and others do not share a folder', async () => {
  const first = up('--persist', '--json');
  await ready(first);
  first.signal('SIGINT');
  await first.ended;
  expect(await up('--json').ended).toMatchObject({ code: 64, stderr: expect.stringContaining('--persist') });
  rmSync(join(folder, 'nodes', 'persistent'));
  const mixed = await up('--persist').ended;
  expect(mixed).toMatchObject({ code: 64, stderr: expect.stringContaining('another --folder') });
});

test('a port in use is named, and nothing is left', async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  const { code, stdout, stderr } = await up('--nodes', '1', '--port', String(port)).ended;
  server.close();
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  expect(stderr).toContain(`Port ${port} is in use`);
});

test('says when a node ends by itself, and goes on', async () => {
  const cli = up('--json');
  const { nodes } = await ready(cli);
  process.kill(await pidOf(nodes[1] ?? ''), 'SIGKILL');
  await cli.until(new RegExp(`the node ${nodes[1]} has ended`));
  cli.signal('SIGINT');
  expect((await cli.ended).code).toBe(0);
});

test('killed, it leaves no node either', async () => {
  const cli = up('--json');
  const pids = await Promise.all((await ready(cli)).nodes.map(pidOf));
  cli.signal('SIGKILL');
  await cli.ended;
  for (const pid of pids) while (await isAlive(pid));
  expect(existsSync(join(folder, 'nodes'))).toBe(true);
});
