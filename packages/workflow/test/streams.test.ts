/** Streams of runs on a real server: what a step writes is read at once, by other processes, and again. */
import {
  defineWorkflow,
  LeaseLostError,
  MisuseError,
  RunGoneError,
  type Step,
  type StreamItem,
} from '@holdfast/workflow';
import { expect, it } from 'vitest';
import { appOf, client, eventually, useRedis } from './setting.js';

useRedis();

/** A gate that a test opens. */
function gate(): { readonly opened: Promise<void>; open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Collects what a reader is given. */
function collect<T>(items: AsyncIterable<StreamItem<T>>): {
  readonly items: StreamItem<T>[];
  readonly done: Promise<void>;
} {
  const got: StreamItem<T>[] = [];
  const done = (async () => {
    for await (const item of items) got.push(item);
  })();
  done.catch(() => {});
  return { items: got, done };
}

const shown = (items: readonly StreamItem[]): unknown[] =>
  items.map((item) => (item.kind === 'chunk' ? item.chunk : 'restart'));

it('shows in another process what a step writes, while it writes, and ends with the run', async () => {
  const more = gate();
  const flow = defineWorkflow({ name: 'write' }, (ctx) =>
    ctx.step('write', async (step) => {
      await step.stream('out').write('one');
      await step.stream('out').write({ two: 2 });
      await more.opened;
      for (let n = 0; n < 1_000; n += 1) await step.stream('out').write(n);
    }),
  );
  appOf([flow]).work();
  const app = appOf([flow]);
  const run = await app.start(flow, null);
  const { items, done } = collect(run.stream('out'));
  await eventually(() => shown(items), ['one', { two: 2 }]);
  const from = items[0]?.position as string;
  more.open();
  await done;
  const numbers = Array.from({ length: 1_000 }, (_, n) => n);
  expect(shown(items)).toEqual(['one', { two: 2 }, ...numbers]);
  const again = collect(run.stream('out', { from }));
  await again.done;
  expect(shown(again.items)).toEqual([{ two: 2 }, ...numbers]);
  const none = collect(run.stream('other'));
  await none.done;
  expect(none.items).toEqual([]);
});

it('shows the last attempt only, and says to a reader that was there that another begins', async () => {
  const second = gate();
  const flow = defineWorkflow({ name: 'again' }, async (ctx) => {
    await ctx.step('first', (step) => step.stream('out').write('before'));
    await ctx.step(
      'write',
      async (step) => {
        await step.stream('out').write(`a${step.attempt}`);
        if (step.attempt === 1) {
          await second.opened;
          throw new Error('again');
        }
        await step.stream('out').write(`b${step.attempt}`);
      },
      { backoff: { type: 'constant', delay: 1 } },
    );
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  const { items, done } = collect(run.stream('out'));
  await eventually(() => shown(items), ['before', 'a1']);
  second.open();
  await done;
  expect(shown(items)).toEqual(['before', 'a1', 'restart', 'a2', 'b2']);
  expect(items[2]).toMatchObject({ kind: 'restart', step: '1' });
  const read = async (options: Parameters<typeof run.stream>[1]): Promise<unknown[]> => {
    const all = collect(run.stream('out', options));
    await all.done;
    return shown(all.items);
  };
  expect(await read({})).toEqual(['before', 'a2', 'b2']);
  expect(await read({ attempts: true })).toEqual(['before', 'a1', 'restart', 'a2', 'b2']);
  expect(await read({ from: items[1]?.position as string })).toEqual(['restart', 'a2', 'b2']);
});

it('refuses what a worker writes whose run another has taken over', async () => {
  const hung = gate();
  const late: { step?: Step } = {};
  let owners = 0;
  const flow = defineWorkflow({ name: 'over' }, (ctx) =>
    ctx.step('write', async (step) => {
      owners += 1;
      await step.stream('out').write(`from ${owners}`);
      if (owners > 1) return;
      late.step = step;
      await hung.opened;
    }),
  );
  const [one, other] = [appOf([flow]), appOf([flow])];
  one.work({ grace: 0 });
  const run = await one.start(flow, null);
  const { items, done } = collect(run.stream('out'));
  await eventually(() => shown(items), ['from 1']);
  // Its session is over, for all that Redis knows.
  const [session = ''] = await client().zrange('{wf:test.0}:sessions', '0', '-1');
  await client().zadd('{wf:test.0}:sessions', 0, session);
  other.work();
  await done;
  expect(shown(items)).toEqual(['from 1', 'restart', 'from 2']);
  await expect(late.step?.stream('out').write('late')).rejects.toThrow(LeaseLostError);
  hung.open();
  expect(shown(items)).toHaveLength(3);
});

it('refuses what cannot be written or read', async () => {
  const errors: unknown[] = [];
  const flow = defineWorkflow({ name: 'bad' }, (ctx) =>
    ctx.step('write', async (step) => {
      await step
        .stream('out')
        .write('x'.repeat(70_000))
        .catch((error) => errors.push(error));
      await step
        .stream('out')
        .write(() => 1)
        .catch((error) => errors.push(error));
      try {
        step.stream('no name');
      } catch (error) {
        errors.push(error);
      }
    }),
  );
  const app = appOf([flow]);
  app.work();
  await app.run(flow, null, { id: 'bad' });
  expect(errors).toHaveLength(3);
  for (const error of errors) expect(error).toBeInstanceOf(MisuseError);
  const run = app.get(flow, 'bad');
  expect(() => run.stream('no name')).toThrow(MisuseError);
  expect(() => run.stream('out', { from: 'x' })).toThrow(MisuseError);
  await expect(collect(app.get(flow, 'none').stream('out')).done).rejects.toThrow(RunGoneError);
  const aborting = new AbortController();
  aborting.abort();
  const aborted = collect(run.stream('out', { signal: aborting.signal }));
  await expect(aborted.done).rejects.toMatchObject({ code: 'HOLDFAST_ABORTED' });
});

it('begins anew for a reader whose place the server has forgotten, and keeps streams as long as the run', async () => {
  const flow = defineWorkflow({ name: 'kept' }, (ctx) =>
    ctx.step('write', (step) => step.stream('out').write('x')),
  );
  const app = appOf([flow]);
  app.work();
  await app.run(flow, null, { id: 'k' });
  const run = app.get(flow, 'k');
  const { items, done } = collect(run.stream('out', { from: '7 c 99 6 0' }));
  await done;
  expect(shown(items)).toEqual(['restart', 'x']);
  const keys = await client().keys('*:[cw]:*');
  expect(keys).toHaveLength(2);
  for (const key of keys) expect(await client().pttl(key)).toBeGreaterThan(600_000);
});

it('keeps what the steps have written that a retry keeps, and shows a reader the rest anew', async () => {
  let isMended = false;
  const flow = defineWorkflow({ name: 'mended' }, async (ctx) => {
    await ctx.step('kept', (step) => step.stream('out').write('kept'));
    await ctx.step(
      'broken',
      async (step) => {
        await step.stream('out').write(isMended ? 'good' : 'bad');
        if (!isMended) throw new Error('broken');
      },
      { attempts: 1 },
    );
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  await expect(run.result()).rejects.toThrow('broken');
  const before = collect(run.stream('out'));
  await before.done;
  expect(shown(before.items)).toEqual(['kept', 'bad']);
  isMended = true;
  await run.retry();
  await run.result();
  const after = collect(run.stream('out', { from: before.items[1]?.position as string }));
  await after.done;
  expect(shown(after.items)).toEqual(['restart', 'good']);
  const all = collect(run.stream('out'));
  await all.done;
  expect(shown(all.items)).toEqual(['kept', 'good']);
});

it('fails an attempt whose write was refused and that nobody awaited, and none that was told', async () => {
  const large = 'x'.repeat(70_000);
  const flow = defineWorkflow({ name: 'large' }, (ctx, how: 'forgets' | 'catches' | 'asks') =>
    ctx.step(
      'write',
      async (step) => {
        const out = step.stream('out');
        if (how === 'forgets') void out.write(large);
        if (how === 'catches') await out.write(large).catch(() => out.write('too large'));
        if (how === 'asks') {
          const [write] = await Promise.allSettled([out.write(large)]);
          await out.write(write?.status);
        }
        void out.write('end');
      },
      { attempts: 1 },
    ),
  );
  const app = appOf([flow]);
  app.work();
  const chunks = async (how: 'forgets' | 'catches' | 'asks') => {
    const run = await app.start(flow, how);
    const { items, done } = collect(run.stream('out'));
    await done;
    return { result: run.result(), chunks: shown(items) };
  };
  const forgotten = await chunks('forgets');
  await expect(forgotten.result).rejects.toThrow('A chunk of the stream "out" has 70002 bytes');
  for (const [how, word] of [
    ['catches', 'too large'],
    ['asks', 'rejected'],
  ] as const) {
    const told = await chunks(how);
    expect(told.chunks).toEqual([word, 'end']);
    await told.result;
  }
});
