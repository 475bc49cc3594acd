/** Runs that go over a part of their way again: retried, or forked into others. */
import {
  defineWorkflow,
  MisuseError,
  NonRetryableError,
  RunCancelledError,
  RunFailedError,
} from '@holdfast/workflow';
import { expect, it } from 'vitest';
import { cutBefore } from '../src/journal/cut.js';
import type { JournalRecord } from '../src/journal/record.js';
import { appOf, eventually, useRedis } from './setting.js';

useRedis();

/** Which bodies have run, and whether the one that may fail does. */
function shop() {
  const done: string[] = [];
  const has = { failed: true };
  const flow = defineWorkflow({ name: 'shop' }, async (ctx, name: string) => {
    const body = (step: string) => () => {
      done.push(step);
      return `${step} ${name}`;
    };
    const first = await ctx.step('first', body('first'));
    const told = await ctx.receive<string>('go');
    const second = await ctx.step('second', (step) => {
      if (has.failed) throw new NonRetryableError('broken');
      return `${body('second')()} ${step.attempt}`;
    });
    return [first, told, second, await ctx.step('third', body('third'))];
  });
  return { flow, done, has };
}

it('retries a run that has failed from the step that did, with the messages that it had', async () => {
  const { flow, done, has } = shop();
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, 'x', { id: 'r' });
  await eventually(async () => (await run.status()).status, 'sleeping' as const);
  await run.send('go', 'now');
  await expect(run.result()).rejects.toThrow(RunFailedError);
  const before = await run.history();
  has.failed = false;
  expect(await run.retry()).toBe(true);
  expect(await run.result()).toEqual(['first x', 'now', 'second x 1', 'third x']);
  expect(done).toEqual(['first', 'second', 'third']);
  expect(await run.retry()).toBe(false);
  const after = await run.history();
  const kinds = (records: readonly JournalRecord[]) => records.map(({ kind }) => kind);
  expect(kinds(before)).toEqual(['header', 'done', 'message', 'failed', 'end']);
  expect(kinds(after)).toEqual(['header', 'done', 'message', 'done', 'done', 'end']);
  expect(after[0]).not.toEqual(before[0]);
});

it('retries from a step that is named, and does again what came behind it', async () => {
  const { flow, done, has } = shop();
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, 'x');
  await run.send('go', 'now');
  await expect(run.result()).rejects.toThrow(RunFailedError);
  has.failed = false;
  await expect(run.retry({ from: 'nothing' })).rejects.toThrow(MisuseError);
  expect(await run.retry({ from: 'first' })).toBe(true);
  expect(await run.result()).toEqual(['first x', 'now', 'second x 1', 'third x']);
  expect(done).toEqual(['first', 'first', 'second', 'third']);
});

it('retries a run that was cancelled where it was then', async () => {
  const { flow, done, has } = shop();
  has.failed = false;
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, 'x');
  await eventually(async () => (await run.status()).status, 'sleeping' as const);
  await run.cancel();
  await expect(run.result()).rejects.toThrow(RunCancelledError);
  expect(await run.send('go', 'late')).toBe(false);
  expect(await run.retry()).toBe(true);
  expect(await run.retry()).toBe(false);
  expect(await run.send('go', 'now')).toBe(true);
  expect(await run.result()).toEqual(['first x', 'now', 'second x 1', 'third x']);
  expect(done).toEqual(['first', 'second', 'third']);
});

it('goes on after a retry when a handle of before is used', async () => {
  const { flow, has } = shop();
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, 'x', { id: 'r' });
  const old = app.get(flow, 'r');
  expect(await old.send('go', 'now')).toBe(true);
  await expect(run.result()).rejects.toThrow(RunFailedError);
  has.failed = false;
  await run.retry({ from: 'first' });
  expect(await old.send('go', 'again')).toBe(true);
  expect(await old.result()).toEqual(['first x', 'now', 'second x 1', 'third x']);
});

it('forks a run into another, which does anew what comes behind a step', async () => {
  const { flow, done, has } = shop();
  has.failed = false;
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, 'x', { id: 'r', key: 'k' });
  await run.send('go', 'now');
  await run.result();
  const before = await run.history();
  const fork = await run.fork({ from: 'third', id: 'f' });
  expect([fork.id, fork.key]).toEqual(['f', 'k']);
  expect(await fork.result()).toEqual(await run.result());
  expect(done).toEqual(['first', 'second', 'third', 'third']);
  expect(await run.history()).toEqual(before);
  expect(await app.get(flow, 'f', { key: 'k' }).result()).toEqual(await run.result());
  const again = await run.fork({ from: 'third', id: 'f' });
  expect(await again.result()).toEqual(await run.result());
  expect(done).toHaveLength(4);
  await expect(run.fork({ from: 'second', id: 'f' })).rejects.toThrow(MisuseError);
  await expect(run.fork({ from: 'third', id: 'r' })).rejects.toThrow(MisuseError);
});

it('forks a run that goes on', async () => {
  const { flow, has } = shop();
  has.failed = false;
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, 'x');
  await eventually(async () => (await run.status()).status, 'sleeping' as const);
  const fork = await run.fork();
  await fork.send('go', 'fork');
  await run.send('go', 'run');
  expect(await fork.result()).toMatchObject({ 1: 'fork' });
  expect(await run.result()).toMatchObject({ 1: 'run' });
});

it('cuts before the step that has failed, and leaves out its attempts', () => {
  const place = (id: string) => ({ id, name: `step ${id}` });
  const error = { name: 'Error', message: 'x' };
  const records: JournalRecord[] = [
    { kind: 'header', workflow: 'w', input: null, generation: 'g' },
    { kind: 'retry', ...place('0'), error, token: 1, attempt: 2, at: 0 },
    { kind: 'done', ...place('1'), value: 1, token: 1, attempt: 1 },
    { kind: 'failed', ...place('0'), error, token: 1, attempt: 2 },
    { kind: 'message', id: 'm', name: 'go', payload: 1 },
    { kind: 'done', ...place('2'), value: 1, token: 1, attempt: 1 },
    { kind: 'end', outcome: { status: 'failed', error }, token: 1 },
  ];
  expect(cutBefore(records, undefined)).toEqual({ cut: 2, drop: [1], take: [4] });
  expect(cutBefore(records, 'step 2')).toEqual({ cut: 4, drop: [], take: [] });
  expect(cutBefore(records, '1')).toEqual({ cut: 1, drop: [], take: [4] });
  const cancelled: JournalRecord[] = [
    ...records.slice(0, 5),
    { kind: 'cancel', reason: 'x' },
    ...records.slice(5),
  ];
  expect(cutBefore(cancelled, undefined)).toEqual({ cut: 4, drop: [], take: [] });
});

it('keeps no time that was noted behind the cut, whatever lies before it that has no turn', () => {
  const step = (id: string) => ({ id, name: id, token: 1, attempt: 1 }) as const;
  const records: JournalRecord[] = [
    { kind: 'header', workflow: 'w', input: null, generation: 'g' },
    { kind: 'message', id: 'm', name: 'ask', payload: 1 },
    { kind: 'reply', id: 'm', value: 2 },
    { kind: 'takeover', falls: 1, token: 1 },
    { kind: 'time', turn: 2, at: 10 },
    { kind: 'done', ...step('0'), value: 1 },
    { kind: 'time', turn: 3, at: 20 },
    { kind: 'failed', ...step('1'), error: { name: 'Error', message: 'x' } },
  ];
  expect(cutBefore(records, '0')).toEqual({ cut: 4, drop: [], take: [] });
});

/** Fails at its last step, once "a" was undone. */
function trip() {
  const calls: string[] = [];
  const has = { failed: true };
  const flow = defineWorkflow({ name: 'trip' }, async (ctx) => {
    const a = await ctx.step('a', () => calls.push('a'), { undo: () => calls.push('undo a') });
    await ctx.step('b', () => {
      calls.push('b');
      if (has.failed) throw new NonRetryableError('sold out');
    });
    return a;
  });
  return { flow, calls, has };
}

it('retries and forks from a step that was itself undone, and from none behind it', async () => {
  const { flow, calls, has } = trip();
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  await expect(run.result()).rejects.toThrow(RunFailedError);
  expect(calls.splice(0)).toEqual(['a', 'b', 'undo a']);
  has.failed = false;
  const late = 'Before "b", the step "a" was undone: begin no later than there, or name no step.';
  await expect(run.retry({ from: 'b' })).rejects.toThrow(late);
  await expect(run.fork({ from: 'b' })).rejects.toThrow(late);
  const fork = await run.fork({ from: 'a' });
  expect(await fork.result()).toBe(1);
  expect(calls.splice(0)).toEqual(['a', 'b']);
  expect(await run.retry({ from: 'a' })).toBe(true);
  expect(await run.result()).toBe(1);
  expect(calls).toEqual(['a', 'b']);
});

it('cuts before the entry of a step that was undone, also where others ended in between', () => {
  const step = (name: string) => ({ id: name, name });
  const ended = { value: 1, token: 1, attempt: 1 };
  const error = { name: 'Error', message: 'x' };
  const records: JournalRecord[] = [
    { kind: 'header', workflow: 'w', input: null, generation: 'g' },
    { kind: 'done', ...step('first'), ...ended },
    { kind: 'entry', ...step('a') },
    { kind: 'entry', ...step('b') },
    { kind: 'done', ...step('b'), ...ended },
    { kind: 'retry', ...step('a'), error, token: 1, attempt: 2, at: 0 },
    { kind: 'done', ...step('a'), ...ended },
    { kind: 'failed', ...step('c'), error, token: 1, attempt: 1 },
    { kind: 'undoing', from: 2 },
    { kind: 'end', outcome: { status: 'failed', error }, token: 1 },
  ];
  expect(cutBefore(records, 'a')).toEqual({ cut: 1, drop: [], take: [] });
  expect(cutBefore(records, 'first')).toEqual({ cut: 0, drop: [], take: [] });
  expect(() => cutBefore(records, 'b')).toThrow('Before "b", the step "a" was undone');
});

it('retries a run from its beginning whose first call was a compensation that was carried out', async () => {
  const calls: string[] = [];
  let isBroken = true;
  const flow = defineWorkflow({ name: 'trip' }, async (ctx) => {
    ctx.compensate('by hand', () => calls.push('by hand'));
    await ctx.step('a', () => calls.push('a'));
    if (isBroken) throw new Error('broken');
    return calls.length;
  });
  const app = appOf([flow]);
  app.work();
  for (const from of [undefined, 'a']) {
    isBroken = true;
    const run = await app.start(flow, null);
    await expect(run.result()).rejects.toThrow(RunFailedError);
    expect(calls.splice(0)).toEqual(['a', 'by hand']);
    isBroken = false;
    expect(await run.retry(from === undefined ? {} : { from })).toBe(true);
    expect(await run.result()).toBe(1);
    expect(calls.splice(0)).toEqual(['a']);
  }
});

it('has the result of a task that came while the run was over, when it is retried', async () => {
  const tasks: string[] = [];
  const queue = { add: async (_: string, { id }: { readonly id: string }) => void tasks.push(id) };
  const flow = defineWorkflow({ name: 'tasks' }, (ctx) => ctx.task(queue, 'work', { reply: true }));
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null, { id: 'r' });
  await eventually(async () => (await run.status()).status, 'sleeping' as const);
  const [task = ''] = tasks;
  expect(await run.terminate()).toBe(true);
  expect(await app.replyToTask(task, { status: 'done', value: 7 })).toBe(false);
  expect(await app.replyToTask(task, { status: 'done', value: 8 })).toBe(false);
  expect(await run.retry()).toBe(true);
  expect(await run.result()).toBe(7);
  expect(tasks).toEqual([task]);
});
