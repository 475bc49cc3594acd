/**
 * What the tests of `holdfast workflow` share: an app on a real server with a worker, and calls of the command line in this
 * process, as a user that has the rights of an operator, which the README of @holdfast/workflow lists, and no more. That the
 * command line is a process of its own, other tests show.
 */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { systemClock } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import {
  createWorkflows,
  defineWorkflow,
  NonRetryableError,
  openWorkflows,
  type Workflows,
} from '@holdfast/workflow';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { main } from '../src/main.js';

export const order = defineWorkflow({ name: 'order' }, async (ctx, { id }: { id: string }) => {
  const price = await ctx.step(
    'price',
    ({ attempt }) => {
      if (attempt === 1) throw new Error('busy');
      return 42;
    },
    { backoff: { type: 'constant', delay: 1 } },
  );
  const by = await ctx.receive<string>('approval', { timeout: 3_600_000 });
  return `${id} for ${price}, approved by ${by}`;
});
export const broken = defineWorkflow({ name: 'broken' }, (ctx, why: string | null) =>
  ctx.step('never', () => Promise.reject(new NonRetryableError(why ?? 'sold out'))),
);
export const letter = defineWorkflow({ name: 'letter' }, async (ctx, to: string) => {
  const answer = await ctx.approve<boolean>('send', { to: 'eve', show: { to } });
  return ctx.step('write', async (step) => {
    for (const word of ['Dear ', to]) await step.stream('text').write(word);
    await step.stream('marks').write({ approved: answer?.answer });
  });
});

interface Shop {
  readonly app: Workflows;
  /** For the command line. */
  readonly url: string;
}

async function operatorOf(url: string): Promise<string> {
  const readme = readFileSync(new URL('../../workflow/README.md', import.meta.url), 'utf8');
  const rights = /^ACL SETUSER operator on >secret (.*)$/m.exec(readme)?.[1] ?? '';
  const redis = new Redis(url);
  await redis.call('ACL', 'SETUSER', 'operator', 'on', '>secret', ...rights.split(' '));
  redis.disconnect();
  return url.replace('redis://', 'redis://operator:secret@');
}

/** Call it in a test file: a server, and an app "shop" that works. */
export function useShop(): Shop {
  let nodes: LocalNodes;
  const shop = { app: undefined as unknown as Workflows, url: '' };
  beforeAll(async () => {
    nodes = await startNodes(1);
    const redis = nodes.urls[0] ?? '';
    shop.url = await operatorOf(redis);
    shop.app = createWorkflows({ redis, name: 'shop', workflows: [order, broken, letter] });
    shop.app.work();
    await vi.waitFor(
      async () => {
        await using known = await openWorkflows({ redis: shop.url, name: 'shop' });
        expect(known.names).toHaveLength(3);
      },
      { timeout: 45_000, interval: 10 },
    );
  });
  afterAll(async () => {
    await shop.app.close();
    await nodes.stop();
  });
  return shop;
}

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A call that goes on. */
interface Going {
  readonly ended: Promise<Ended>;
  /** What it has written so far. */
  readonly output: { stdout: string; stderr: string };
  interrupt(): void;
}

export function begin(url: string, words: readonly string[]): Going {
  const output = { stdout: '', stderr: '' };
  const signals = new EventEmitter();
  const code = main(['workflow', ...words], {
    env: { REDIS_URL: url, HOLDFAST_APP: 'shop' },
    stdout: { write: (text) => (output.stdout += text) },
    stderr: { write: (text) => (output.stderr += text) },
    signals,
    clock: systemClock,
  });
  return {
    output,
    ended: code.then((it) => ({ code: it, ...output })),
    interrupt: () => signals.emit('SIGINT', 'SIGINT'),
  };
}
