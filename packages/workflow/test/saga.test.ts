/** What is begun once, kept by a body, and undone: under every crash, and on a real server whose workers die in between. */
import { defineWorkflow, NonRetryableError, UnknownOutcomeError } from '@holdfast/workflow';
import { everyCrash, testWorkflows } from '@holdfast/workflow/testing';
import { expect, it } from 'vitest';
import { appOf, client, eventually, useRedis } from './setting.js';

useRedis();

const fail = () => {
  throw new NonRetryableError('broken');
};

/** As if all workers were frozen for longer than their leases. */
async function endSessions(): Promise<void> {
  const sessions = '{wf:test.0}:sessions';
  for (const session of await client().zrange(sessions, '0', '-1')) await client().zadd(sessions, 0, session);
}

it('begins a body once, and says so where nobody knows what it did', async () => {
  let most = 0;
  const make = () => {
    let calls = 0;
    return defineWorkflow({ name: 'once' }, async (ctx) => {
      const sent = await ctx
        .once('send', () => {
          calls += 1;
          most = Math.max(most, calls);
          return 'sent';
        })
        .catch((error: unknown) => (error instanceof UnknownOutcomeError ? 'unknown' : 'failed'));
      return ctx.step('after', () => sent);
    });
  };
  const isSame = (one: object) => JSON.stringify(one) !== '{"result":"failed"}';
  const cases = await everyCrash({ make, input: null, isSame });
  expect(most).toBe(1);
  expect(cases[0]?.end).toEqual({ result: 'sent' });
  expect(cases.map(({ end }) => end)).toContainEqual({ result: 'unknown' });
});

it('knows that what was begun once has failed, or took too long', async () => {
  const flow = defineWorkflow({ name: 'once' }, async (ctx) => {
    const names = [];
    for (const body of [fail, () => new Promise(() => {})]) {
      names.push(await ctx.once('send', body, { timeout: 1_000 }).catch((error: Error) => error.name));
    }
    return names;
  });
  const test = testWorkflows({ workflows: [flow] });
  expect(await test.run(flow, null)).toEqual(['StepFailedError', 'UnknownOutcomeError']);
});

it('gives the next attempt what the last has kept', async () => {
  const make = () =>
    defineWorkflow({ name: 'kept' }, async (ctx) =>
      ctx.step('long', async (step) => {
        const done = (step.checkpointed ?? 0) as number;
        for (let n = done + 1; n <= 4; n += 1) {
          await step.checkpoint(n);
          if (n === 2 && step.attempt === 1) throw new Error('again');
        }
        return { done };
      }),
    );
  const isSame = (one: { result?: { done: number } }) => (one.result?.done ?? 0) >= 2;
  const cases = await everyCrash({ make, input: null, isSame: isSame as () => boolean });
  expect(cases[0]?.end).toEqual({ result: { done: 2 } });
  expect(new Set(cases.map(({ end }) => JSON.stringify(end)))).toContain('{"result":{"done":4}}');
});

/** Keeps what it has undone, and fails in the end. */
function saga(end: 'fails' | 'waits') {
  const undone: string[] = [];
  const flow = defineWorkflow({ name: 'saga' }, async (ctx) => {
    await ctx.step('settled', () => 0, { undo: () => undone.push('settled') });
    ctx.settled();
    const a = await ctx.step('a', () => 1, {
      undo: (_, { outcome, value }) => undone.push(`a ${outcome} ${value}`),
    });
    ctx.compensate('by hand', () => undone.push('by hand'));
    await ctx.step('b', fail, { undo: (_, { outcome }) => undone.push(`b ${outcome}`) }).catch(() => {});
    await ctx.step('no undo', () => a);
    if (end === 'fails') throw new Error('it has failed');
    await ctx.receive('never');
  });
  return { flow, undone };
}

const BACKWARDS = ['b unknown', 'by hand', 'a done 1'];

it('undoes backwards what a run that fails has done, whichever commit is cut', async () => {
  const made: string[][] = [];
  const make = () => {
    const { flow, undone } = saga('fails');
    made.push(undone);
    return flow;
  };
  const cases = await everyCrash({ make, input: null });
  expect(cases[0]?.end).toMatchObject({ error: { message: expect.stringContaining('it has failed') } });
  expect(cases.length).toBeGreaterThan(20);
  for (const undone of made) expect([...new Set(undone)]).toEqual(BACKWARDS);
  for (const { history } of cases) {
    const ids = history.flatMap((record) =>
      record.kind === 'done' && record.id.startsWith('~') ? [record.id] : [],
    );
    expect(ids).toEqual(['~3', '~2', '~1']);
  }
});

it('undoes what a run that is cancelled has done, and nothing of one that completes', async () => {
  const { flow, undone } = saga('waits');
  const test = testWorkflows({ workflows: [flow] });
  const run = await test.until(test.workflows.start(flow, null));
  await test.settled(run);
  await test.until(run.cancel('enough'));
  await expect(test.until(run.result())).rejects.toThrow('enough');
  expect(undone).toEqual(BACKWARDS);
  const well = defineWorkflow({ name: 'well' }, async (ctx) =>
    ctx.step('a', () => 1, { undo: () => undone.push('no') }),
  );
  expect(await testWorkflows({ workflows: [well] }).run(well, null)).toBe(1);
  expect(undone).toEqual(BACKWARDS);
});

it('waits for the bodies that it aborts before it undoes, and undoes what they may have done', async () => {
  const events: string[] = [];
  const flow = defineWorkflow({ name: 'slow' }, async (ctx) => {
    const slow = ctx.step(
      'slow',
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () =>
            queueMicrotask(() => {
              events.push('body has ended');
              reject(new Error('aborted'));
            }),
          );
        }),
      { undo: (_, { outcome }) => events.push(`undone: ${outcome}`) },
    );
    await ctx.step('quick', () => 1);
    await ctx.sleep(1_000);
    void slow;
    throw new Error('broken');
  });
  const test = testWorkflows({ workflows: [flow] });
  await expect(test.run(flow, null)).rejects.toThrow('broken');
  expect(events).toEqual(['body has ended', 'undone: unknown']);
});

it('is stuck where an undo fails for good, and goes on with it when it is retried', async () => {
  let isMended = false;
  const undone: string[] = [];
  const flow = defineWorkflow({ name: 'unmended' }, async (ctx) => {
    await ctx.step('a', () => 1, { undo: () => undone.push('a') });
    await ctx.step('b', () => 2, { undo: () => (isMended ? undone.push('b') : fail()) });
    throw new Error('it has failed');
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  await expect(run.result()).rejects.toMatchObject({
    code: 'HOLDFAST_RUN_STUCK',
    reason: expect.stringContaining('"undo b" failed 1 times: broken'),
  });
  expect(undone).toEqual([]);
  isMended = true;
  await run.retry();
  await expect(run.result()).rejects.toMatchObject({ code: 'HOLDFAST_RUN_FAILED' });
  expect(undone).toEqual(['b', 'a']);
});

it('undoes under a token above that of the step, on another worker than that which died in it', async () => {
  const tokens: { step?: number; lost?: number; undo?: number } = {};
  let isHeld = true;
  const flow = defineWorkflow({ name: 'taken' }, async (ctx) => {
    await ctx.step(
      'charge',
      ({ token }) => {
        tokens.step = token;
      },
      {
        undo: ({ token }) => {
          if (isHeld) {
            tokens.lost = token;
            return new Promise(() => {});
          }
          tokens.undo = token;
          return undefined;
        },
      },
    );
    throw new Error('it has failed');
  });
  const first = appOf([flow]);
  first.work({ lease: 300 });
  const run = await first.start(flow, null, { id: 't' });
  await eventually(() => tokens.lost !== undefined, true);
  isHeld = false;
  await endSessions();
  appOf([flow]).work({ lease: 300 });
  await expect(run.result()).rejects.toThrow('it has failed');
  expect(tokens.undo).toBeGreaterThan(tokens.lost ?? 0);
  expect(tokens.lost).toBeGreaterThan(tokens.step ?? 0);
});

it('does again what was undone, when a run is retried, and leaves what it was settled about', async () => {
  const done: string[] = [];
  let isMended = false;
  const flow = defineWorkflow({ name: 'retried' }, async (ctx) => {
    await ctx.step('settled', () => done.push('settled'), { undo: () => done.push('no') });
    ctx.settled();
    await ctx.step('charge', () => done.push('charge'), { undo: () => done.push('refund') });
    await ctx.step('ship', () => (isMended ? done.push('ship') : fail()));
    return 'shipped';
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  await expect(run.result()).rejects.toThrow('broken');
  await expect(run.retry({ from: 'ship' })).rejects.toThrow('the step "charge" was undone');
  isMended = true;
  expect(await run.retry()).toBe(true);
  expect(await run.result()).toBe('shipped');
  expect(done).toEqual(['settled', 'charge', 'refund', 'charge', 'ship']);
});

it('undoes in a fork only what the fork has done itself', async () => {
  const undone: string[] = [];
  const flow = defineWorkflow({ name: 'forked' }, async (ctx) => {
    await ctx.step('one', () => 1, { undo: () => undone.push(`one of ${ctx.id}`) });
    await ctx.step('two', () => 2, { undo: () => undone.push(`two of ${ctx.id}`) });
    if (ctx.id === 'fork') throw new Error('it has failed');
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null, { id: 'whole' });
  await run.result();
  const fork = await run.fork({ id: 'fork', from: 'two' });
  await expect(fork.result()).rejects.toThrow('it has failed');
  expect(undone).toEqual(['two of fork']);
});
