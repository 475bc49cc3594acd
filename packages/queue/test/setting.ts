/** What the tests of the queue share: a server, queues that are closed with the test, and children that are killed with it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type LocalNodes, startNodes } from '@holdfast/local';
import {
  createQueue,
  createWorker,
  type Queue,
  type QueueOptions,
  type Worker,
  type WorkerOptions,
} from '@holdfast/queue';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';

/** Closed in reverse order. */
const open: (() => unknown)[] = [];
let nodes: LocalNodes;
let redis: Redis;

/** Call it in a test file: a server for all tests of the file, empty before each. */
export function useRedis(): void {
  beforeAll(async () => {
    nodes = await startNodes(1);
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
    await nodes.stop();
  });
}

export const url = (): string => nodes.urls[0] ?? '';
export const node = () => [...nodes][0] as NonNullable<LocalNodes['nodes'][0]>;
export const client = (): Redis => redis;

export function later(close: () => unknown): void {
  open.push(close);
}

export function queueOf<Data = unknown>(options: Partial<QueueOptions<Data, Data>> = {}): Queue<Data, Data> {
  const queue = createQueue<Data, Data>({ redis: url(), name: 'q', ...options });
  open.push(() => queue.close());
  return queue;
}

export function workerOf<Data, Result>(options: WorkerOptions<Data, Result>): Worker {
  const worker = createWorker({ grace: 0, ...options });
  open.push(() => worker.stop());
  return worker;
}

/**
 * Tells of every command that the server carries out from now on, also within scripts, as MONITOR prints it. By a socket of
 * its own: the client libraries take lines that overtake the reply to MONITOR for an error.
 */
export async function watchCommands(onLine: (line: string) => void): Promise<void> {
  const socket = connect(node().port, '127.0.0.1');
  later(() => socket.destroy());
  const lines = createInterface({ input: socket });
  lines.on('line', onLine);
  socket.write('MONITOR\r\n');
  await once(lines, 'line');
}

/** A list that grows while a test looks at it. */
export async function eventually<T>(look: () => T | Promise<T>, expected: T): Promise<void> {
  await expect.poll(look, { timeout: 45_000, interval: 5 }).toEqual(expected);
}

export interface Child {
  readonly lines: string[];
  kill(signal: NodeJS.Signals): void;
  tell(): void;
  /** Resolves with the first line that begins so. */
  said(beginning: string): Promise<string>;
}

/** Runs worker-process.ts. */
export function startChild(how: 'hold' | 'patient' | 'fast' | 'die'): Child {
  const program = fileURLToPath(new URL('worker-process.ts', import.meta.url));
  const args = ['--conditions=@holdfast/source', '--import', 'tsx', program, url(), how];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  open.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    lines,
    kill: (signal) => void child.kill(signal),
    tell: () => void child.stdin.write('\n'),
    said: async (beginning) => {
      const find = (): string | undefined => lines.find((line) => line.startsWith(beginning));
      await expect.poll(find, { timeout: 45_000, interval: 5 }).toBeDefined();
      return find() ?? '';
    },
  };
}
