/** Events from elsewhere, on a real server: they start runs, or are messages to the run of a key. */
import { defineWorkflow, MisuseError } from '@holdfast/workflow';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { appOf, client, eventually, useRedis } from './setting.js';

useRedis();

interface Order {
  readonly order: string;
  readonly account: string;
}

const check = defineWorkflow(
  { name: 'check', input: z.object({ order: z.string(), account: z.string() }) },
  async (ctx, { order }) => ctx.step('check', () => `checked ${order}`),
);
const bill = defineWorkflow({ name: 'bill' }, async (ctx, order: Order) =>
  ctx.step('bill', () => order.account),
);
const sum = defineWorkflow(
  { name: 'sum', messages: { value: z.object({ value: z.number() }) } },
  async (ctx, of: string) => {
    let total = 0;
    for (let n = 0; n < 3; n += 1) total += (await ctx.receive<{ value: number }>('value'))?.value ?? 0;
    return `${of} ${total}`;
  },
);

it('starts a run of each workflow that takes an event, once', async () => {
  const app = appOf([check, bill], { partitions: 2 });
  app.on('order.created', check, { id: ({ order }) => order, key: ({ account }) => account });
  app.on('order.created', bill);
  const events = Array.from({ length: 40 }, (_, n) => ({
    name: 'order.created',
    id: `e${n}`,
    data: { order: `o${n}`, account: `a${n % 3}` },
  }));
  expect(await app.publish(events)).toEqual({ started: 80, found: 0, sent: 0, late: 0 });
  expect(await app.publish(events.slice(0, 5))).toEqual({ started: 0, found: 10, sent: 0, late: 0 });
  app.work();
  expect(await app.get(check, 'o7', { key: 'a1' }).result()).toBe('checked o7');
  expect(await app.get(bill, 'e7').result()).toBe('a1');
});

it('starts the runs of a batch in one call', async () => {
  const app = appOf([bill]);
  app.on('order.created', bill);
  const event = (n: number) => ({ name: 'order.created', id: `e${n}`, data: { order: 'o', account: 'a' } });
  await app.publish([event(0)]);
  await client().config('RESETSTAT');
  await app.publish(Array.from({ length: 50 }, (_, n) => event(n)));
  const [, calls] = /cmdstat_(?:fcall|evalsha):calls=(\d+)/.exec(await client().info('commandstats')) ?? [];
  expect(calls).toBe('1');
});

it('sends a message to the run of a key, starts that if there is none, and takes a repeated event once', async () => {
  const app = appOf([sum]);
  app.work();
  app.on<string, { sensor: string; value: number }>('measured', sum, {
    key: ({ sensor }) => sensor,
    input: ({ sensor }) => sensor,
    send: 'value',
  });
  const measured = (id: string, sensor: string, value: number) => ({
    name: 'measured',
    id,
    data: { sensor, value },
  });
  const first = [measured('1', 's1', 1), measured('2', 's2', 10), measured('3', 's1', 2)];
  expect(await app.publish(first)).toEqual({ started: 2, found: 1, sent: 3, late: 0 });
  expect(await app.publish(first)).toEqual({ started: 0, found: 3, sent: 3, late: 0 });
  const run = app.get(sum, 's1', { key: 's1' });
  await eventually(async () => (await run.status()).status, 'sleeping' as const);
  await app.publish([measured('4', 's1', 4)]);
  expect(await run.result()).toBe('s1 7');
  expect(await app.publish([measured('5', 's1', 8)])).toEqual({ started: 0, found: 1, sent: 0, late: 1 });
});

it('does nothing of a batch that has an event which nobody takes, or which does not fit', async () => {
  const app = appOf([check, sum]);
  app.on('order.created', check);
  const good = { name: 'order.created', id: '1', data: { order: 'o', account: 'a' } };
  await expect(app.publish([good, { ...good, data: { order: 1 } }])).rejects.toThrow(MisuseError);
  await expect(app.publish([good, { ...good, name: 'other' }])).rejects.toThrow(MisuseError);
  await expect(app.publish([good, { ...good, id: '' }])).rejects.toThrow(MisuseError);
  expect(() => app.on('measured', sum, { send: 'value' })).toThrow(MisuseError);
  expect(() => app.on('order.created', bill)).toThrow(MisuseError);
  expect(await client().exists('{wf:test.0}:events')).toBe(0);
});
