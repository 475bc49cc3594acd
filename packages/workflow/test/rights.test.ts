/** The rights that README.md lists are enough for whoever they are for, and no more than they do. */
import { readFileSync } from 'node:fs';
import { defineWorkflow, NonRetryableError, openWorkflows, type Step } from '@holdfast/workflow';
import { beforeEach, expect, it } from 'vitest';
import { appOf, client, eventually, later, url, useRedis } from './setting.js';

useRedis();
beforeEach(() => client().call('ACL', 'LOG', 'RESET'));

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** What README.md says after "ACL SETUSER <user> on ><password>", for the app of the tests. */
function rightsOf(user: string): string[] {
  const line = new RegExp(`^ACL SETUSER ${user} on >\\S+ (.*)$`, 'm').exec(readme)?.[1];
  return (line ?? '').replaceAll('wf:shop.', 'wf:test.').split(' ');
}

async function as(user: string): Promise<string> {
  await client().call('ACL', 'SETUSER', user, 'reset', 'on', '>secret', ...rightsOf(user));
  later(() => client().call('ACL', 'DELUSER', user));
  return url().replace('redis://', `redis://${user}:secret@`);
}

/**
 * What the server has refused, but for the name of the client library, which the library offers to Redis 7.2 and later,
 * and which Redis 7.0 cannot be told to accept.
 */
async function refusals(): Promise<string[]> {
  const entries = (await client().call('ACL', 'LOG')) as string[][];
  return entries
    .map((entry) => entry[entry.indexOf('object') + 1] ?? '')
    .filter((command) => command !== 'client|setinfo');
}

const part = defineWorkflow({ name: 'part' }, async (ctx, n: number) => ctx.step('double', () => 2 * n));
const all = defineWorkflow(
  { name: 'all', limits: { rate: { max: 1_000, per: 1 }, waiting: 1_000 } },
  async (ctx, passes: number) => {
    await ctx.step(
      'flaky',
      async (step: Step) => {
        await step.stream('words').write(`attempt ${step.attempt}`);
        if (step.checkpointed === undefined) {
          await step.checkpoint('seen');
          throw new Error('once more');
        }
      },
      { backoff: { type: 'constant', delay: 1 }, cache: { key: 'flaky', ttl: 60_000 } },
    );
    await ctx.once('mail', () => 'sent');
    await ctx.step('charge', () => 1, { undo: () => {} });
    await ctx.sleep(30);
    ctx.state.set({ passes });
    const doubled = await ctx.child(part, passes);
    await ctx.approve('go', { to: 'eve' });
    const question = await ctx.receiveMessage<number>('how much');
    question?.reply(doubled);
    ctx.settled();
    if (passes > 0) return ctx.continueAs(passes - 1);
    await ctx.step('over', () => Promise.reject(new NonRetryableError('that is all')));
  },
);

it('a client starts runs and talks to them, a worker works, an operator operates', async () => {
  const problems: unknown[] = [];
  const works = appOf([all, part], { redis: await as('worker'), partitions: 2 });
  const worker = works.work({ lease: 1_000, onError: (error) => problems.push(error) });
  const starts = appOf([all, part], { redis: await as('client'), partitions: 2 });
  starts.on('made', all, { id: () => 'a', input: () => 1 });
  await starts.publish([{ name: 'made', id: 'e', data: null }]);
  const run = starts.get(all, 'a');
  for await (const item of run.stream('words')) {
    if (item.kind === 'chunk' && item.chunk === 'attempt 2') break;
  }
  for (const doubled of [2, 0]) {
    await eventually(() => run.approve('go', true, 'eve'), true);
    expect(await run.ask('how much')).toBe(doubled);
  }
  await expect(run.result()).rejects.toThrow('that is all');
  expect(await run.state()).toEqual({ passes: 0 });
  const keyed = await starts.start(all, 0, { id: 'k', key: 'k', priority: 3, delay: 5 });
  await keyed.cancel();
  await expect(keyed.result()).rejects.toThrow('cancelled');
  for await (const event of starts.events({ reader: 'r' })) if (event.kind === 'ended') break;

  const operator = await openWorkflows({ redis: await as('operator'), name: 'test' });
  later(() => operator.close());
  await operator.schedule('often', 'part', 4, { every: 100 });
  await eventually(async () => (await operator.counts('part')).completed > 2, true);
  expect(await operator.unschedule('often')).toBe(true);
  expect(await operator.retryMany({ workflow: 'all', state: 'failed' })).toEqual({ done: 1, passed: 0 });
  const fork = await operator.get('all', 'a').fork({ from: 'charge' });
  await operator.pause('all');
  await operator.resume('all');
  await operator.terminateMany({ workflow: 'all' });
  expect(await fork.status()).toMatchObject({ status: 'cancelled' });
  expect(await operator.demand()).toMatchObject({ all: { stuck: 0 } });
  await operator.purge();
  expect(worker.problem).toBeUndefined();
  expect(problems).toEqual([]);
  expect(await refusals()).toEqual([]);
});

it('a worker takes over what another had', async () => {
  let bodies = 0;
  const held = defineWorkflow({ name: 'held' }, (ctx) =>
    ctx.step('hold', (step) =>
      bodies++ === 0 ? new Promise((_, no) => step.signal.addEventListener('abort', no)) : 1,
    ),
  );
  const app = appOf([held], { redis: await as('worker') });
  app.work({ onError: () => {} });
  const run = await app.start(held, null);
  await eventually(() => bodies, 1);
  const sessions = '{wf:test.0}:sessions';
  const [session = ''] = await client().zrange(sessions, '0', '-1');
  await client().zadd(sessions, '0', session);
  app.work();
  expect(await run.result()).toBe(1);
  expect(await refusals()).toEqual([]);
});

it('a client cannot claim runs, nor purge them, nor touch another app', async () => {
  const redis = await as('client');
  const app = appOf([part], { redis });
  const run = await app.start(part, 1);
  for (const act of [() => run.terminate(), () => run.purge(), () => run.fork(), () => app.schedules()]) {
    await expect(act()).rejects.toThrow(/does not let this user do that/);
  }
  const worker = app.work({ onError: () => {} });
  await eventually(() => /does not let this user do that/.test(worker.problem ?? ''), true);
  await expect(appOf([part], { redis, name: 'other' }).start(part, 1)).rejects.toThrow(
    /does not let this user do that/,
  );
  appOf([part]).work();
  expect(await run.result()).toBe(2); // what was refused has done nothing
});
