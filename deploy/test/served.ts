/**
 * The server as a deployment starts it: its arguments and variables, with real nodes in the place of those that they name, and with
 * the files of a secret that the command line has made.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNodes } from '@holdfast/local';
import { createLocks } from '@holdfast/lock';
import { type Cli, type Ended, holdfast } from '../../packages/holdfast/test/cli.js';

interface Deployed {
  /** Of the container. */
  readonly args: readonly string[];
  /** Undefined where a secret has the value. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the data Redis and the nodes are started with. */
  readonly commands?: readonly [data: readonly string[], node: readonly string[]];
}

interface Started extends AsyncDisposable {
  readonly url: string;
  readonly management: string;
  readonly ask: (method: string, path: string, body?: unknown) => Promise<Response>;
  /** A command with the same variables. */
  readonly holdfast: (args: readonly string[]) => Cli;
}

export async function startServed({ args, env, commands }: Deployed): Promise<Started> {
  const [data, node] = commands ?? [['redis-server'], ['redis-server']];
  const count = env['HOLDFAST_NODES']?.split(',').length ?? 0;
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-served-'));
  const redis = await startNodes(1, { args: data.slice(1) });
  const nodes = await startNodes(count, { args: node.slice(1) });
  const [etc, kept] = ['etc', 'kept'].map((name) => join(folder, name)) as [string, string];
  for (const path of [etc, kept]) mkdirSync(path);
  const key = await filesOf(etc);
  const management = await freePort();
  const placed = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value.replace('/etc/holdfast', etc).replace('/data/', `${kept}/`)]],
  );
  const variables = {
    ...(Object.fromEntries(placed) as Record<string, string>),
    ...{ HOLDFAST_NODES: nodes.urls.join(','), REDIS_URL: redis.urls[0] ?? '', HOLDFAST_DRAIN: '0s' },
    ...{ HOLDFAST_PORT: '0', HOLDFAST_MANAGEMENT_PORT: `${management}` },
    // As the image says.
    HOLDFAST_HOST: '0.0.0.0',
  };
  const locks = createLocks({ nodes: nodes.urls });
  await locks.initialize();
  await locks.close();
  const server = holdfast(args, variables);
  const end = async (): Promise<void> => {
    server.signal('SIGTERM');
    await server.ended;
    await Promise.all([redis.stop(), nodes.stop()]);
    rmSync(folder, { recursive: true });
  };
  try {
    const [, port] = await server.until(/serves http:\/\/\S+:(\d+);/);
    const url = `http://127.0.0.1:${port}`;
    return {
      ...{ url, management: `http://127.0.0.1:${management}`, [Symbol.asyncDispose]: end },
      ask: (method, path, body) =>
        fetch(`${url}${path}`, {
          method,
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        }),
      holdfast: (words) => holdfast(words, variables),
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The files of the secret; returns the key of an administrator. */
async function filesOf(folder: string): Promise<string> {
  const keys = join(folder, 'keys.json');
  const made = await done(holdfast(['keys', 'create', 'admin', '--keys', keys, '--scopes', '*']));
  await done(holdfast(['keys', 'server', '--server-key', join(folder, 'server-key.json')]));
  const receivers = [
    { origin: 'https://hooks.example.org', secrets: [`whsec_${Buffer.alloc(24, 1).toString('base64')}`] },
  ];
  writeFileSync(join(folder, 'webhooks.json'), JSON.stringify({ receivers }));
  writeFileSync(join(folder, 'groups.json'), JSON.stringify({ claim: 'groups', groups: { ops: ['*'] } }));
  writeFileSync(join(folder, 'client-secret'), 'planted');
  return made.stdout.trim();
}

async function done(command: Cli): Promise<Ended> {
  const ended = await command.ended;
  if (ended.code !== 0) throw new Error(ended.stderr);
  return ended;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
