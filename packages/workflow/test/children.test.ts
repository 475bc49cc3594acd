/** Children on a real server: they begin once, tell their ends, and end with their parents. */
import {
  defineWorkflow,
  MisuseError,
  NonRetryableError,
  RunCancelledError,
  RunFailedError,
  type Workflow,
  type Workflows,
} from '@holdfast/workflow';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { appOf, client, eventually, url, useRedis } from './setting.js';

useRedis();

const double = defineWorkflow({ name: 'double', input: z.number() }, (ctx, n) =>
  ctx.step('double', () => 2 * n),
);
const patient = defineWorkflow({ name: 'patient' }, async (ctx, name: string) => {
  const told = await ctx.receive<string>('go');
  return `${name} ${told}`;
});

/** Of the runs of a workflow, their names in Redis. */
async function runsOf(workflow: string, app = 'test.0'): Promise<string[]> {
  const runs = await client().hkeys(`{wf:${app}}:gen`);
  return runs.filter((run) => run.startsWith(`${workflow}/`)).sort();
}

function handleOf<Input>(app: Workflows, run: string, workflow: Workflow<Input, string>) {
  const [, key = '', id = ''] = run.split('/').map(decodeURIComponent);
  return app.get(workflow, id, { key });
}

it('gives the results of children, which any worker takes that has their workflow', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx, n: number) => {
    const one = await ctx.child(double, n);
    const [two, three] = await Promise.all([ctx.child(double, one), ctx.child(double, 10, { key: 'ten' })]);
    return [one, two, three];
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, 1, { id: 'f' });
  await eventually(async () => (await run.status()).status, 'sleeping' as const);
  appOf([double]).work();
  expect(await run.result()).toEqual([2, 4, 20]);
  const kinds = (await run.history()).map(({ kind }) => kind);
  expect(kinds).toEqual(['header', 'child', 'over', 'child', 'child', 'over', 'over', 'end']);
  expect(await runsOf('double')).toHaveLength(3);
});

it('begins a child by the name of its workflow, of which this program has no function', async () => {
  const flow = defineWorkflow({ name: 'flow' }, (ctx, n: number) => ctx.child<number, number>('double', n));
  const app = appOf([flow]);
  app.work();
  appOf([double]).work();
  const run = await app.start(flow, 4);
  expect(await run.result()).toBe(8);
  expect((await run.history())[1]).toMatchObject({ kind: 'child', name: 'double' });
});

it('rejects with what became of a child', async () => {
  const bad = defineWorkflow({ name: 'bad' }, () => Promise.reject(new Error('broken')));
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => {
    const failed = await ctx.child(bad, null).catch((error: unknown) => error as RunFailedError);
    const misused = await ctx
      .child(double, 'x' as never)
      .catch((error: unknown) => error instanceof MisuseError);
    return [(failed as RunFailedError).code, (failed as RunFailedError).reason.message, misused];
  });
  const app = appOf([flow, bad, double]);
  app.work();
  expect(await app.run(flow, null)).toEqual(['HOLDFAST_RUN_FAILED', 'broken', true]);
});

it('cancels the child that a cancelled parent waits for, and the one that lost a race', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => {
    const first = await ctx.race<unknown>([(c) => c.child(patient, 'lost'), (c) => c.child(double, 1)]);
    await ctx.step('told', () => first);
    return ctx.child(patient, 'last');
  });
  const app = appOf([flow, patient, double]);
  app.work();
  const run = await app.start(flow, null, { id: 'f' });
  await eventually(async () => (await runsOf('patient')).length, 2);
  const [lost = '', last = ''] = await runsOf('patient');
  await expect(handleOf(app, lost, patient).result()).rejects.toThrow(RunCancelledError);
  expect((await handleOf(app, last, patient).status()).status).not.toBe('cancelled');
  await run.cancel('enough');
  await expect(run.result()).rejects.toThrow(RunCancelledError);
  await expect(handleOf(app, last, patient).result()).rejects.toThrow(RunCancelledError);
});

it('cancels the children of a run that is terminated, which nobody serves by then, and theirs', async () => {
  const inner = defineWorkflow({ name: 'inner' }, (ctx) => ctx.child(patient, 'grandchild'));
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => {
    void ctx.child(patient, 'kept', { onParentEnd: 'abandon', key: 'kept' });
    return ctx.child(inner, null);
  });
  const app = appOf([flow, inner, patient]);
  const worker = app.work();
  const run = await app.start(flow, null, { id: 'f' });
  await eventually(() => app.counts(patient).then(({ sleeping }) => sleeping), 2);
  await worker.stop();
  expect(await app.terminateMany({ workflow: flow })).toEqual({ done: 1, passed: 0 });
  appOf([inner, patient]).work();
  await eventually(() => app.counts().then(({ cancelled }) => cancelled), 3);
  expect((await run.status()).status).toBe('cancelled');
  expect(await app.counts(patient)).toMatchObject({ sleeping: 1, cancelled: 1 });
});

it('leaves a child behind if it is told to', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => {
    void ctx.child(patient, 'kept', { onParentEnd: 'abandon', key: 'kept' });
    void ctx.child(patient, 'not', { key: 'not' });
    await ctx.step('go on', () => {});
  });
  const app = appOf([flow, patient]);
  app.work();
  await app.run(flow, null);
  const byName = async (name: string) => {
    const run = (await runsOf('patient')).find((each) => each.endsWith(encodeURIComponent(`@${name}`))) ?? '';
    return handleOf(app, run, patient);
  };
  await expect((await byName('not')).result()).rejects.toThrow(RunCancelledError);
  const kept = await byName('kept');
  expect(await kept.send('go', 'now')).toBe(true);
  expect(await kept.result()).toBe('kept now');
});

it('goes on with its child after a retry, whether that is over by then or not, and in a fork with another', async () => {
  let isBroken = true;
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => {
    const child = ctx.child(patient, 'it', { onParentEnd: 'abandon' });
    await ctx.step('check', () => {
      if (isBroken) throw new NonRetryableError('broken');
    });
    return child;
  });
  const app = appOf([flow, patient]);
  app.work();
  for (const isOver of [false, true]) {
    isBroken = true;
    const run = await app.start(flow, null, { id: `over ${isOver}`, key: `k ${isOver}` });
    await expect(run.result()).rejects.toThrow(RunFailedError);
    const its = async () =>
      (await runsOf('patient')).filter((each) => each.startsWith(`patient/k%20${isOver}/`));
    const [first = ''] = await its();
    const child = handleOf(app, first, patient);
    isBroken = false;
    if (isOver) await child.send('go', 'early');
    if (isOver) await child.result();
    expect(await run.retry()).toBe(true);
    if (!isOver) await eventually(async () => (await run.status()).status, 'sleeping' as const);
    if (!isOver) await child.send('go', 'early');
    expect(await run.result()).toBe('it early');
    expect(await its()).toEqual([first]);
    const fork = await run.fork({ from: 'check' });
    expect(await fork.result()).toBe('it early');
    expect(await its()).toEqual([first]);
    const again = await run.fork({ from: 'patient' });
    await eventually(async () => (await its()).length, 2);
    const second = (await its()).find((each) => each !== first) ?? '';
    await handleOf(app, second, patient).send('go', 'late');
    expect(await again.result()).toBe('it late');
  }
});

it('begins a child that has failed anew when its parent is retried', async () => {
  let isBroken = true;
  const child = defineWorkflow({ name: 'child' }, async () => {
    if (isBroken) throw new Error('broken');
    return 'mended';
  });
  const flow = defineWorkflow({ name: 'flow' }, (ctx) => ctx.child(child, null));
  const app = appOf([flow, child]);
  app.work();
  const run = await app.start(flow, null);
  await expect(run.result()).rejects.toThrow(RunFailedError);
  isBroken = false;
  expect(await run.retry()).toBe(true);
  expect(await run.result()).toBe('mended');
  expect(await runsOf('child')).toHaveLength(2);
});

it('has a thousand children of one parent, in the partition of the parent', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx, count: number) => {
    const items = Array.from({ length: count }, (_, n) => n);
    const results = await ctx.map(items, (c, n) => c.child(double, n), { concurrency: count });
    return results.reduce((sum, each) => sum + each, 0);
  });
  const app = appOf([flow, double], { partitions: 4 });
  app.work();
  appOf([double], { partitions: 4 }).work();
  const run = await app.start(flow, 1_000, { key: 'k' });
  expect(await run.result()).toBe(999_000);
  const counts = await Promise.all(
    [0, 1, 2, 3].map(async (p) => (await runsOf('double', `test.${p}`)).length),
  );
  expect(counts.sort((one, other) => one - other)).toEqual([0, 0, 0, 1_000]);
});

it('begins no child twice, and loses no end, when the worker of the parent dies in between', async () => {
  const begun: string[] = [];
  const child = defineWorkflow({ name: 'child' }, async (ctx, name: string) => {
    await ctx.step('begin', () => begun.push(name));
    return (await ctx.receive<string>('go')) ?? '';
  });
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => {
    const both = await Promise.all([ctx.child(child, 'a'), ctx.child(child, 'b')]);
    await ctx.step('hold', async () => {
      held += 1;
      if (held > 1) return;
      // From now on, this worker can reach the server no more.
      await client().acl('DELUSER', 'dying');
      await new Promise(() => {});
    });
    return [...both, await ctx.child(child, 'c')];
  });
  let held = 0;
  await client().acl('SETUSER', 'dying', 'on', '>secret', '~*', '&*', '+@all');
  const { host } = new URL(url());
  appOf([flow], { redis: `redis://dying:secret@${host}` }).work({ lease: 300, grace: 0, onError: () => {} });
  const children = appOf([child]);
  children.work();
  const parent = await appOf([flow]).start(flow, null, { id: 'f' });
  const tell = async (count: number): Promise<void> => {
    await eventually(() => begun.length, count);
    for (const run of await runsOf('child'))
      await handleOf(children, run, child).send('go', 'x', { id: 'm' });
  };
  await tell(2);
  await eventually(() => held, 1);
  appOf([flow]).work();
  await tell(3);
  expect(await parent.result()).toEqual(['x', 'x', 'x']);
  expect(begun).toHaveLength(3);
  expect(held).toBe(2);
});
