/**
 * Many runs of a function that uses most that there is, while their workers stop, connections are cut, Redis freezes and
 * restarts, and runs are cancelled, told, forked and retried: all of them end, rightly, and nothing is left of them.
 *
 * The order of the acts is drawn from a seed, which a failure names; HOLDFAST_SEED repeats it.
 */
import { setImmediate } from 'node:timers/promises';
import { type LocalNodes, startNodes } from '@holdfast/local';
import {
  createWorkflows,
  defineWorkflow,
  type Run,
  UnavailableError,
  type Workflows,
} from '@holdfast/workflow';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';

const SEED = Number(process.env['HOLDFAST_SEED'] ?? Math.floor(Math.random() * 1e9));
const RUNS = process.env['HOLDFAST_TESTS'] === 'full' ? 400 : 60;
const APPS = 3;

/** mulberry32. */
function drawing(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const leaf = defineWorkflow({ name: 'leaf' }, async (ctx, n: number) => {
  const once = await ctx.step('once', () => n);
  await ctx.sleep(5);
  return ctx.step('twice', () => once * 2);
});
const broken = defineWorkflow({ name: 'broken' }, async (ctx) => {
  await ctx.step('done', () => 1);
  throw new Error('broken');
});
const tree = defineWorkflow({ name: 'tree' }, async (ctx, n: number) => {
  const first = await ctx.step(
    'first',
    ({ attempt }) => {
      if (n % 3 === 0 && attempt < 2) throw new Error('not yet');
      return n;
    },
    { backoff: { type: 'constant', delay: 5 }, undo: () => {} },
  );
  const children = await ctx.all({
    one: (c) => c.child(leaf, first),
    other: (c) => c.child(leaf, first + 1),
    failed: (c) => c.child(broken, null).catch(() => 'failed'),
  });
  await ctx.race([(c) => c.receive('go'), (c) => c.sleep(100)]);
  if (n % 5 === 0) throw new Error('fails late');
  const mapped = await ctx.map([1, 2, 3], (c, item) => c.step('times', () => item * n), { concurrency: 2 });
  const passes = await ctx.loop<number, number>(0, async (c, pass) => {
    const next = await c.step('pass', () => pass + 1);
    return next === 3 ? { done: next } : { next };
  });
  return { children, mapped, passes };
});
const resultOf = (n: number) => ({
  children: { one: 2 * n, other: 2 * (n + 1), failed: 'failed' },
  mapped: [n, 2 * n, 3 * n],
  passes: 3,
});

/** Repeats a call that an outage has refused, and lets the connection come back meanwhile. */
async function insist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      await setImmediate();
    }
  }
}

class Storm {
  readonly #nodes: LocalNodes;
  readonly #redis: Redis;
  readonly #draw: (below: number) => number;
  readonly #apps: Workflows[];
  readonly client: Workflows;

  constructor(nodes: LocalNodes, seed: number) {
    this.#nodes = nodes;
    this.#draw = drawing(seed);
    this.#redis = new Redis(nodes.urls[0] ?? '');
    this.#redis.on('error', () => {}); // it restarts
    this.client = this.#open();
    this.#apps = Array.from({ length: APPS }, () => this.#working());
  }

  /** One that befalls the workers or the server, or is done to a run. */
  async act(run: Run<unknown>, n: number): Promise<void> {
    const index = this.#draw(APPS);
    switch (this.#draw(10)) {
      case 0:
        await this.#redis.call('CLIENT', 'KILL', 'TYPE', 'normal');
        return;
      case 1: {
        const old = this.#apps[index];
        this.#apps[index] = this.#working();
        return old?.close();
      }
      case 2:
        await this.client.pause(tree);
        return this.client.resume(tree);
      case 3: {
        const [node] = this.#nodes;
        node?.freeze();
        await setImmediate();
        return node?.thaw();
      }
      case 4:
        if (this.#draw(3) > 0) return;
        return this.#nodes.nodes[0]?.restart();
      case 5:
        await run.cancel('the storm');
        return;
      case 6:
        await run.fork({ id: `fork of ${n}` });
        return;
      case 7:
        await run.retry();
        return;
      default:
        await run.send('go', null);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.client, ...this.#apps].map((app) => app.close()));
    this.#redis.disconnect();
  }

  keys(name: string): Promise<(string | number)[]> {
    return Promise.all(
      [0, 1].map((partition) => this.#redis.call('EXISTS', `{wf:storm.${partition}}:${name}`)),
    ) as never;
  }

  #open(): Workflows {
    const redis = this.#nodes.urls[0] ?? '';
    return createWorkflows({
      redis,
      name: 'storm',
      partitions: 2,
      workflows: [tree, leaf, broken],
      callTimeout: 20_000,
    });
  }

  #working(): Workflows {
    const app = this.#open();
    app.work({ lease: 1_000, grace: 50, concurrency: 10, onError: () => {} });
    return app;
  }
}

it(`all runs end rightly in a storm, seed ${SEED}`, { timeout: 300_000 }, async () => {
  await using nodes = await startNodes(1, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  const storm = new Storm(nodes, SEED);
  try {
    const runs: Run<unknown>[] = [];
    for (let n = 0; n < RUNS; n += 1) {
      const options = { id: String(n), priority: n % 10, ...(n % 4 === 0 ? { key: `key ${n % 7}` } : {}) };
      runs.push(await insist(() => storm.client.start(tree, n, options)));
      const about = drawing(SEED + n)(runs.length);
      await insist(() => storm.act(runs[about] as Run<unknown>, about)).catch((error: Error) => {
        // Of a run that goes on, or is over, some of these are mistakes of the caller.
        expect(error).toHaveProperty('code', 'HOLDFAST_MISUSE');
      });
    }
    const isOpen = async (): Promise<boolean> => {
      const { completed, failed, cancelled, ...open } = await insist(() => storm.client.counts());
      return Object.values(open).some((count) => count > 0);
    };
    await expect.poll(isOpen, { timeout: 120_000, interval: 50 }).toBe(false);
    for (const [n, run] of runs.entries()) {
      const { status } = await run.status();
      const kinds = (await run.history()).map(({ kind }) => kind);
      expect(kinds.indexOf('end')).toBe(kinds.length - 1);
      if (status === 'completed') expect(await run.result()).toEqual(resultOf(n));
      if (n % 5 === 0) expect(status).not.toBe('completed');
    }
    for (const name of ['work', 'live', 'due', 'lines', 'holders', 'stuck', 'waiters', 'parents']) {
      expect(await storm.keys(name), name).toEqual([0, 0]);
    }
  } finally {
    await storm.close();
  }
});
