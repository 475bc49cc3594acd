/** A latch that processes share: ids that count once, and those who wait until enough have. */
import { readFileSync } from 'node:fs';
import { createLatch, type LatchOptions } from '@holdfast/queue/latch';
import { expect, it } from 'vitest';
import { client, eventually, later, node, url, useRedis } from './setting.js';

useRedis();

function latchOf(options: Partial<LatchOptions> = {}) {
  const one = createLatch({ redis: url(), name: 'import', ...options });
  later(() => one.close());
  return one;
}

/** How many listen to the latch. */
const listeners = async (): Promise<number> => {
  const [, count] = (await client().call('PUBSUB', 'NUMSUB', '{latch:import}:latch')) as [string, number];
  return Number(count);
};

it('counts each id once, and lets those who wait go on when it is at 0', async () => {
  const [one, two] = [latchOf(), latchOf()];
  expect(await one.open(3)).toEqual({ left: 3 });
  let open = 0;
  const waits = [one.wait(), two.wait(), two.wait()].map((each) => each.then((is) => (open += Number(is))));
  await eventually(listeners, 2);
  expect(await one.countDown('a')).toEqual({ left: 2, counted: true });
  expect(await two.countDown('a')).toEqual({ left: 2, counted: false });
  expect(await one.open(3)).toEqual({ left: 2 });
  expect(await two.countDown('b')).toEqual({ left: 1, counted: true });
  expect(await one.wait({ timeout: 1 })).toBe(false);
  expect(open).toBe(0);
  expect(await one.countDown('c')).toEqual({ left: 0, counted: true });
  await Promise.all(waits);
  expect(open).toBe(3);
  expect(await one.countDown('d')).toEqual({ left: 0, counted: false });
  expect(await latchOf().wait()).toBe(true);
  expect(await one.left()).toBe(0);
  await eventually(listeners, 0);
});

it('ends a wait by its signal, and when it is closed', async () => {
  const [one, two] = [latchOf(), latchOf()];
  await one.open(1);
  const controller = new AbortController();
  const waits = [one.wait({ signal: controller.signal }), two.wait()];
  for (const each of waits) each.catch(() => {});
  await eventually(listeners, 2);
  controller.abort(new Error('enough'));
  await expect(waits[0]).rejects.toMatchObject({ code: 'HOLDFAST_ABORTED' });
  await two.close();
  await expect(waits[1]).rejects.toMatchObject({ code: 'HOLDFAST_ABORTED' });
  await expect(one.wait({ signal: controller.signal })).rejects.toMatchObject({ code: 'HOLDFAST_ABORTED' });
  await expect(two.wait()).rejects.toThrow(/is closed/);
  await eventually(listeners, 0);
});

it('says that it is gone: before it is opened, when it has expired, when Redis has forgotten it', async () => {
  const latch = latchOf();
  const gone = { code: 'HOLDFAST_LATCH_GONE', latch: 'import' };
  for (const call of [latch.left(), latch.countDown('a'), latch.wait()])
    await expect(call).rejects.toMatchObject(gone);
  await latch.open(2, { expires: 3_600_000 });
  await latch.countDown('a');
  expect(await client().pttl('{latch:import}:latch')).toBeGreaterThan(3_500_000);
  const waits = latch.wait();
  waits.catch(() => {});
  await eventually(listeners, 1);
  await client().flushall();
  await client().publish('{latch:import}:latch', 'look');
  await expect(waits).rejects.toMatchObject(gone);
  await latch.open(1, { expires: 1 });
  await eventually(() => client().exists('{latch:import}:latch'), 0);
  await expect(latch.countDown('a')).rejects.toMatchObject(gone);
});

it('goes on waiting while Redis is away', async () => {
  const latch = latchOf();
  await latch.open(1);
  const waits = latch.wait();
  waits.catch(() => {});
  await eventually(listeners, 1);
  await client().save();
  await node().kill();
  await node().start();
  const again = latchOf();
  await eventually(() => again.left().catch(() => 'away'), 1);
  await again.countDown('a');
  expect(await waits).toBe(true);
});

it('refuses what makes no sense', async () => {
  const latch = latchOf();
  for (const wrong of [0, -1, 1.5, 1_000_001, '3', undefined])
    await expect(latch.open(wrong as never)).rejects.toMatchObject({ code: 'HOLDFAST_MISUSE' });
  await latch.open(2);
  await expect(latch.open(3)).rejects.toThrow(/was opened for 2 count-downs, not 3/);
  await expect(latch.countDown('')).rejects.toMatchObject({ code: 'HOLDFAST_MISUSE' });
  await expect(latch.wait({ timeout: -1 })).rejects.toMatchObject({ code: 'HOLDFAST_MISUSE' });
  expect(() => latchOf({ name: 'a b' })).toThrow(/name is 1 to 64/);
});

it('needs no rights but those that README.md lists', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, listed = ''] = /Rights: `(~\{latch:[^`]*)`/.exec(readme) ?? [];
  const rights = listed.replaceAll('import-42', 'import').split(' ');
  await client().call('ACL', 'SETUSER', 'latch', 'reset', 'on', '>secret', ...rights);
  later(() => client().call('ACL', 'DELUSER', 'latch'));
  const latch = latchOf({ redis: url().replace('redis://', 'redis://latch:secret@') });
  await latch.open(1);
  const waits = latch.wait();
  await eventually(listeners, 1);
  await latch.countDown('a');
  expect(await waits).toBe(true);
  expect(await client().call('ACL', 'LOG')).toEqual([]);
});
