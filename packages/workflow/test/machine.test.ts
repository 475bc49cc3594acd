/** What a function may do, and how its calls are told apart: numbers, turns, late calls, order, and races. */
import { defineWorkflow, type JournalRecord, RunStuckError, type WorkflowContext } from '@holdfast/workflow';
import { checkHistory, testWorkflows } from '@holdfast/workflow/testing';
import { expect, it } from 'vitest';

type Run = (ctx: WorkflowContext) => Promise<unknown>;

const flowOf = (run: Run) => defineWorkflow({ name: 'flow' }, async (ctx, _: null) => run(ctx));

/** What a run of the function gives, and its journal without header and end. */
async function journalOf(run: Run, messages: readonly string[] = []) {
  const flow = flowOf(run);
  const test = testWorkflows({ workflows: [flow] });
  const started = await test.until(test.workflows.start(flow, null));
  for (const message of messages) await test.until(started.send(message, message, { id: message }));
  const result = await test.until(started.result());
  const records = await test.until(started.history());
  return { result, records, calls: records.slice(1, -1) };
}

const places = (records: readonly JournalRecord[]): string[] =>
  records.flatMap((record) =>
    'id' in record && 'name' in record ? [`${record.kind} ${record.id} ${record.name}`] : [],
  );

/** A journal as a run would have left it, without its end. */
const journal = (...calls: JournalRecord[]): { id: string; records: JournalRecord[] } => ({
  id: 'run',
  records: [{ kind: 'header', workflow: 'flow', input: null, generation: 'g' }, ...calls],
});

const done = (id: string, name: string, value: unknown = id): JournalRecord => ({
  ...{ kind: 'done', id, name, value, token: 1, attempt: 1 },
});

const message = (id: string, name: string, payload: unknown = id): JournalRecord => ({
  ...{ kind: 'message', id, name, payload },
});

/** Real time passes, and real input: something that no journal has. */
const foreign = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

it('numbers calls by their place: branches, items, passes and keys have numbers of their own', async () => {
  const { calls } = await journalOf(async (ctx) => {
    await ctx.step('first', () => 1);
    await ctx.all({ a: (c) => c.step('a', () => 1), b: (c) => c.step('b', () => 1) });
    await ctx.map([1, 2], (c) => c.step('item', () => 1), { concurrency: 1 });
    await ctx.loop(0, async (c, n) => {
      await c.step('pass', () => 1);
      return n === 1 ? { done: n } : { next: n + 1 };
    });
    await ctx.step('named', () => 1, { key: 'k' });
    await ctx.shield((c) => c.step('shielded', () => 1));
    await ctx.step('last', () => 1);
  });
  expect(places(calls)).toEqual([
    ...['done 0 first', 'done 1.0.0 a', 'done 1.1.0 b', 'done 2.0.0 item', 'done 2.1.0 item'],
    ...['done 3.0.0 pass', 'done 3.1.0 pass', 'done @k named', 'done 4.0.0 shielded', 'done 5 last'],
  ]);
});

it('hands over one result at a time, so that plain Promise.all and Promise.race go the same way again', async () => {
  const run: Run = async (ctx) => {
    const order: string[] = [];
    const branch = async (name: string): Promise<void> => {
      await ctx.step(name, () => name);
      order.push(name);
      await ctx.step(`after ${name}`, () => name);
    };
    await Promise.all(['a', 'b', 'c'].map(branch));
    return order;
  };
  const results = [done('2', 'c'), done('3', 'after c'), done('0', 'a'), done('4', 'after a')];
  const rest = [done('1', 'b'), done('5', 'after b')];
  const { outcome } = await checkHistory(flowOf(run), journal(...results, ...rest));
  expect(outcome).toEqual({ status: 'completed', value: ['c', 'a', 'b'] });
});

it.each<[string, Run]>([
  [
    'resolved promises',
    async () => {
      for (let n = 0; n < 50; n += 1) await null;
    },
  ],
  ['ticks', () => new Promise((resolve) => process.nextTick(resolve))],
  ['async helpers', async () => Promise.all([1, 2].map(async (n) => (await Promise.resolve(n)) + 1))],
  [
    'async generators',
    async () => {
      for await (const _ of (async function* () {
        yield* [1, 2, 3];
      })());
    },
  ],
  [
    'streams of the web',
    async () => {
      for await (const _ of new Response('text').body ?? []);
    },
  ],
  ['modules that are there', () => import('./contract.js')],
])('lets a function await %s between its calls', async (_, between) => {
  const { result } = await journalOf(async (ctx) => {
    await ctx.step('first', () => 1);
    await between(ctx);
    return ctx.step('second', () => 2);
  });
  expect(result).toBe(2);
});

it.each<[string, Run]>([
  ['a step', (ctx) => ctx.step('late', () => 1)],
  ['a sleep', (ctx) => ctx.sleep(1)],
  ['a receipt', (ctx) => ctx.receive('late')],
  ['branches', (ctx) => ctx.all({ a: () => 1 })],
  ['a race', (ctx) => ctx.race([() => 1])],
  ['a map', (ctx) => ctx.map([1], () => 1)],
  ['a loop', (ctx) => ctx.loop(0, async () => ({ done: 1 }))],
  ['a shield', (ctx) => ctx.shield(() => 1)],
])('notices %s that comes late, and begins nothing of it', async (_, call) => {
  let begun = 0;
  const flow = flowOf(async (ctx) => {
    await ctx.step('first', () => 1);
    await foreign();
    const made = call(ctx);
    await ctx.step('begun', () => {
      begun += 1;
    });
    return made;
  });
  const test = testWorkflows({ workflows: [flow] });
  const run = await test.until(test.workflows.start(flow, null));
  const told = run.result().catch((error: unknown) => error);
  // Virtual time passes before the real millisecond does, so that is waited for.
  await expect.poll(async () => (await test.until(run.status())).status).toBe('stuck');
  expect(await test.until(told)).toBeInstanceOf(RunStuckError);
  expect(begun).toBe(0);
});

it('lets a step with a key come late, live and in a replay', async () => {
  const run: Run = async (ctx) => {
    await ctx.step('first', () => 1);
    await foreign();
    return ctx.step('named', () => 2, { key: 'k' });
  };
  const flow = flowOf(run);
  const test = testWorkflows({ workflows: [flow] });
  const started = await test.until(test.workflows.start(flow, null));
  await expect.poll(async () => (await test.until(started.status())).status).toBe('completed');
  expect(await test.until(started.result())).toBe(2);
});

it.each<[string, JournalRecord[], string]>([
  [
    'another name',
    [done('0', 'other')],
    'at 0 the journal has the step "other", and the function began the step "first" there',
  ],
  [
    'another kind',
    [{ kind: 'timer', id: '0', name: 'first', at: 1 }],
    'at 0 the journal has a wait, "first", and the function began the step "first" there',
  ],
  [
    'a call too many',
    [done('0', 'first'), done('1', 'second'), done('2', 'third')],
    'at 2 the journal has the step "third", and the function began nothing there',
  ],
])('contradicts a journal that has %s', async (_, records, reason) => {
  const flow = flowOf(async (ctx) => {
    await ctx.step('first', () => 1);
    await ctx.step('second', () => 2);
  });
  await expect(checkHistory(flow, journal(...records))).rejects.toMatchObject({
    reason: expect.stringContaining(reason),
  });
});

it('runs no body while records are left, nor once the function has ended', async () => {
  const bodies: string[] = [];
  const { result } = await journalOf(async (ctx) => {
    void ctx.step('forgotten', () => bodies.push('forgotten'));
    return 'ended';
  });
  expect(result).toBe('ended');
  expect(bodies).toEqual([]);
  const flow = flowOf((ctx) => Promise.all([ctx.step('a', () => 1), ctx.step('b', () => 1)]));
  const { begins } = await checkHistory(flow, journal(done('0', 'a')));
  expect(begins).toEqual([{ id: '1', name: 'b' }]);
});

it('gives the n-th receipt of a name the n-th message of that name, each id once', async () => {
  const run: Run = async (ctx) => {
    const early = await ctx.receive('x');
    const other = await ctx.receive('y');
    return [early, other, await ctx.receive('x'), await ctx.receive('x', { timeout: 1 })];
  };
  const records = [message('1', 'x'), message('2', 'x'), message('1', 'x'), message('3', 'y')];
  const fired: JournalRecord[] = [
    { kind: 'timer', id: '3', name: 'x', at: 1 },
    { kind: 'fired', id: '3', name: 'x' },
    message('4', 'x'),
  ];
  const { outcome } = await checkHistory(flowOf(run), journal(...records, ...fired));
  expect(outcome).toMatchObject({ status: 'completed', value: ['1', '3', '2', undefined] });
  const early = await checkHistory(flowOf(run), journal(...records, message('4', 'x'), ...fired));
  expect(early.outcome).toMatchObject({ value: ['1', '3', '2', '4'] });
});

it('passes over what the losers of a race give later', async () => {
  const run: Run = async (ctx) => {
    const first = await Promise.race([ctx.step('slow', () => 'slow'), ctx.step('fast', () => 'fast')]);
    return [first, await ctx.step('after', () => 'after')];
  };
  const flow = flowOf(run);
  const late = journal(done('1', 'fast'), done('0', 'slow'), done('2', 'after'));
  expect((await checkHistory(flow, late)).outcome).toMatchObject({ value: ['1', '2'] });
  const other = journal(done('0', 'slow'), done('1', 'fast'), done('2', 'after'));
  expect((await checkHistory(flow, other)).outcome).toMatchObject({ value: ['0', '2'] });
});

it('cancels the losers of ctx.race: their bodies are told, and what they begin is refused', async () => {
  const told: string[] = [];
  const { result } = await journalOf(async (ctx) => {
    await ctx.race([
      async (c) => {
        await c
          .step(
            'slow',
            ({ signal }) =>
              new Promise((_, reject) => {
                signal.addEventListener('abort', () => {
                  told.push('aborted');
                  reject(signal.reason);
                });
              }),
          )
          .catch((error: Error) => told.push(error.name));
        await c.step('more', () => 1).catch((error: Error) => told.push(`more: ${error.name}`));
      },
      (c) => c.step('fast', () => 'fast').then(() => {}),
    ]);
    return 'ended';
  });
  expect(result).toBe('ended');
  expect(told).toEqual(['aborted', 'AbortError', 'more: AbortError']);
});

it('tells an undo that a step was done, also one that gave nothing', async () => {
  const told: unknown[] = [];
  const flow = flowOf(async (ctx) => {
    await ctx.step('nothing', () => {}, { undo: (_, undone) => void told.push(undone) });
    await ctx.step('value', () => 1, { undo: (_, undone) => void told.push(undone) });
    throw new Error('broken');
  });
  const test = testWorkflows({ workflows: [flow] });
  await expect(test.run(flow, null)).rejects.toThrow('broken');
  expect(told).toEqual([{ outcome: 'done', value: 1 }, { outcome: 'done' }]);
});
