/** What the tests of the server share: a Redis, and servers with keys, reached over real HTTP. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRedisGuard } from '@holdfast/fence/redis';
import { systemRandom } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks, type Locks } from '@holdfast/lock';
import { createKey, createServer, type Server, type ServerOptions } from '@holdfast/server';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';

/** Closed in reverse order. */
const open: (() => unknown)[] = [];
let nodes: LocalNodes;
let redis: Redis;
let locks: Locks;
let folder: string;
let files = 0;

/** Call it in a test file: a Redis and a lock node for all tests of the file, empty before each. */
export function useRedis(): void {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-server-'));
    nodes = await startNodes(2);
    locks = createLocks({ nodes: [nodes.urls[1] ?? ''], callTimeout: 5_000 });
    await locks.initialize();
    redis = new Redis(url());
  });
  beforeEach(async () => {
    await redis.flushall();
  });
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    redis.disconnect();
    await locks.close();
    await nodes.stop();
    rmSync(folder, { recursive: true });
  });
}

/** The locks that servers use. */
export const ownLocks = (): Locks => locks;
export const url = (): string => nodes.urls[0] ?? '';

/** Tells the guard of the server that its store is new; it would refuse tokens for a while. */
export async function trustFences(): Promise<void> {
  await using guard = createRedisGuard({ redis: url() });
  await guard.initialize();
}

export function later(close: () => unknown): void {
  open.push(close);
}

/** A file of its own. */
export function fileOf(content: unknown): string {
  files += 1;
  const path = join(folder, `${files}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** Keys with scopes, and the file that lists them. */
export function keysOf<Name extends string>(
  scopes: Readonly<Record<Name, readonly string[]>>,
  quotas?: Readonly<Partial<Record<Name, Readonly<Record<string, number>>>>>,
): { readonly file: string; readonly keys: Readonly<Record<Name, string>> } {
  const made = Object.entries<readonly string[]>(scopes).map(([subject, of]) => {
    const limits = quotas?.[subject as Name];
    const entry = { subject, scopes: of, ...(limits && { quotas: limits }) };
    return { subject, ...createKey(entry, systemRandom) };
  });
  return {
    file: fileOf({ keys: made.map(({ entry }) => entry) }),
    keys: Object.fromEntries(made.map(({ subject, key }) => [subject, key])) as Record<Name, string>,
  };
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at what they expect.
  readonly body: any;
}

/** A server, and how to ask it. */
export interface Served {
  readonly server: Server;
  readonly url: string;
  readonly ask: (
    method: string,
    path: string,
    options?: {
      readonly key?: string | undefined;
      readonly body?: unknown;
      readonly headers?: Record<string, string>;
    },
  ) => Promise<Reply>;
}

/** Starts a server on a free port. */
export async function serve(options: ServerOptions = {}): Promise<Served> {
  const server = createServer({ redis: url(), locks, port: 0, ...options });
  open.push(() => server.close());
  const at = await server.listen();
  return {
    server,
    url: at,
    async ask(method, path, { key, body, headers = {} } = {}) {
      const response = await fetch(`${at}${path}`, {
        method,
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = (response.headers.get('content-type') ?? '').includes('json');
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
    },
  };
}
