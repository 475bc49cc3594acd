/** What the tests of workflows share: a server, and apps that are closed with the test. */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createWorkflows, type Workflows, type WorkflowsOptions } from '@holdfast/workflow';
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

export function appOf(
  workflows: WorkflowsOptions['workflows'],
  options: Partial<WorkflowsOptions> = {},
): Workflows {
  const app = createWorkflows({ redis: url(), name: 'test', workflows, ...options });
  open.push(() => app.close());
  return app;
}

/** A list that grows while a test looks at it. */
export async function eventually<T>(look: () => T | Promise<T>, expected: T): Promise<void> {
  await expect.poll(look, { timeout: 45_000, interval: 5 }).toEqual(expected);
}
