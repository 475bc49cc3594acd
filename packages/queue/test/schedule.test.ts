/** Schedules: exactly one task a tick, and what happens to those that were missed. */
import { MisuseError, seededRandom, systemClock } from '@holdfast/kernel';
import { expect, it } from 'vitest';
import { client, eventually, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

it('adds one task a tick, however many workers see it', async () => {
  const queue = queueOf<string>();
  await queue.schedule('often', 'x', { every: 100 });
  const ids: string[] = [];
  for (let n = 0; n < 4; n += 1) {
    workerOf({ queue, concurrency: 3, handler: ({ id }) => void ids.push(id) });
  }
  await expect.poll(() => ids.length, { timeout: 20_000 }).toBeGreaterThan(6);
  const ticks = ids.map((id) => Number(id.replace('schedule:often:', '')));
  expect(new Set(ticks).size).toBe(ticks.length);
  expect(ticks.every((tick) => tick % 100 === 0)).toBe(true);
  expect(await queue.unschedule('often')).toBe(true);
  expect(await queue.unschedule('often')).toBe(false);
  expect(await queue.schedules()).toEqual([]);
});

it.each([
  ['once', 1],
  ['all', 3],
  ['skip', 0],
] as const)('of missed ticks, %s adds %d tasks', async (missed, count) => {
  const queue = queueOf<string>();
  const every = 24 * 86_400_000; // so long that no tick falls into the test
  await queue.schedule('rarely', 'x', { every, missed });
  const [next] = await queue.schedules();
  const missedFirst = Number(next?.next) - 3 * every;
  await client().zadd('{queue:q}:ticks', missedFirst, 'rarely');
  const ids: string[] = [];
  workerOf({ queue, handler: ({ id }) => void ids.push(id) });
  await eventually(async () => (await queue.schedules())[0]?.next, next?.next);
  await eventually(async () => (await queue.counts()).completed, count);
  expect(ids).toHaveLength(count);
});

it('knows cron expressions and time zones', async () => {
  const queue = queueOf<string>();
  await queue.schedule('berlin', 'b', { cron: '30 9 * * *', timezone: 'Europe/Berlin' });
  await queue.schedule('utc', 'u', { cron: '0 30 9 * * *' });
  const [one, two] = await queue.schedules();
  const hour = (date: Date | undefined, timeZone: string): string =>
    date?.toLocaleTimeString('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }) ?? '';
  const of = (name: string) => [one, two].find((info) => info?.name === name)?.next;
  expect(hour(of('berlin'), 'Europe/Berlin')).toBe('09:30');
  expect(hour(of('utc'), 'UTC')).toBe('09:30');
});

it('a schedule that is set again as it was keeps its tick; one that has changed gets another', async () => {
  const queue = queueOf<string>();
  await queue.schedule('s', 'x', { every: 3_600_000 });
  await client().zadd('{queue:q}:ticks', 5, 's');
  await queue.schedule('s', 'x', { every: 3_600_000 });
  expect((await queue.schedules())[0]?.next.getTime()).toBe(5);
  await queue.schedule('s', 'y', { every: 3_600_000 });
  expect((await queue.schedules())[0]).toMatchObject({ name: 's', data: 'y', every: 3_600_000 });
  expect((await queue.schedules())[0]?.next.getTime()).toBeGreaterThan(5);
});

it('says once that a tick cannot be added, and adds it when it can', async () => {
  const queue = queueOf<string>();
  await queue.schedule('often', 'x', { every: 100 });
  await client().config('SET', 'maxmemory', '1');
  const errors: unknown[] = [];
  let handled = 0;
  workerOf({
    queue,
    lease: 300,
    onError: (error) => errors.push(error),
    handler: () => {
      handled += 1;
    },
  });
  const calls = async (): Promise<number> =>
    Number(/cmdstat_fcall:calls=(\d+)/.exec(await client().info('commandstats'))?.[1] ?? 0);
  try {
    await expect.poll(() => errors.length).toBe(1);
    const before = await calls();
    await expect.poll(calls).toBeGreaterThan(before + 12);
    expect(errors).toHaveLength(1);
  } finally {
    await client().config('SET', 'maxmemory', '0');
  }
  await expect.poll(() => handled).toBeGreaterThan(0);
});

it('refuses what is no schedule', async () => {
  const queue = queueOf<string>({ clock: systemClock, random: seededRandom(1) });
  const cases: [object, RegExp][] = [
    [{}, /either cron/],
    [{ cron: '* * * * *', every: 1_000 }, /either cron/],
    [{ cron: 'soon' }, /"soon" in the time zone "UTC" is not a schedule/],
    [{ cron: '* * * * *', timezone: 'Mars/Olympus' }, /Mars/],
    [{ cron: '* * * * *', timezone: Number.NaN }, /timezone is a name such as "Europe\/Berlin"; got NaN/],
    [{ cron: '* * * * *', timezone: '' }, /timezone is a name/],
    [{ cron: 5 }, /cron is an expression/],
    [{ every: 1 }, /every is a whole number of milliseconds from 100/],
    [{ every: 1_000, start: 5, end: 4 }, /end of a schedule is not before its start/],
    [{ every: 1_000, end: 'soon' }, /end is a Date, or whole milliseconds since the epoch; got "soon"/],
    [{ every: 1_000, start: new Date(Number.NaN) }, /start is a Date/],
    [{ every: 86_400_000, start: 86_400_001, end: 86_400_002 }, /no tick between its start and its end/],
    [{ every: 1_000, count: 0 }, /count is a whole number of at least 1/],
    [{ every: 1_000, overlap: 'wait' }, /overlap is "allow" or "skip"/],
    [{ every: 1_000, missed: 'some' }, /missed is "once", "all" or "skip"; got "some"/],
  ];
  for (const [schedule, message] of cases) {
    await expect(queue.schedule('s', 'x', schedule)).rejects.toThrow(message);
    await expect(queue.schedule('s', 'x', schedule)).rejects.toThrow(MisuseError);
  }
  expect(await queue.schedules()).toEqual([]);
});

it.each(['once', 'skip'] as const)(
  'ticks at whose time all workers were busy are not missed, with missed "%s"',
  async (missed) => {
    const queue = queueOf<string>();
    await queue.schedule('often', 'x', { every: 100, missed });
    const ids: string[] = [];
    let finish = (): void => {};
    const busy = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await queue.add('long', { id: 'long' });
    const worker = workerOf({
      queue,
      lease: 60_000,
      handler: ({ id }) => {
        ids.push(id);
        return id === 'long' ? busy : undefined;
      },
    });
    await eventually(() => ids, ['long']);
    // As if it had been busy since 5 s ago.
    const began = Number(await client().hget('{queue:q}:meta', 'since')) - 5_000;
    await client().hset('{queue:q}:meta', 'since', began);
    const first = Math.ceil(began / 100) * 100;
    await client().zadd('{queue:q}:ticks', first, 'often');
    finish();
    const idOf = (tick: number): string => `schedule:often:${first + 100 * tick}`;
    const all = Array.from({ length: 50 }, (_, tick) => idOf(tick));
    // Later ones may come among them: one of the present may have been found before the clock was set back.
    await eventually(() => all.filter((id) => !ids.includes(id)), []);
    await worker.stop();
    expect(new Set(ids).size).toBe(ids.length);
  },
);

it('ticks are looked for while all workers are busy', async () => {
  const queue = queueOf<string>();
  await queue.add('long', { id: 'long' });
  await queue.schedule('often', 'x', { every: 100 });
  let finish = (): void => {};
  const busy = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const worker = workerOf({ queue, lease: 300, handler: ({ id }) => (id === 'long' ? busy : undefined) });
  await eventually(async () => (await queue.counts()).waiting > 3, true);
  finish();
  await worker.stop();
});

it('the first tick is by the clock of the server', async () => {
  const ahead = { ...systemClock, wall: () => systemClock.wall() + 7_200_000_000 };
  const queue = queueOf<string>({ clock: ahead });
  await queue.schedule('hourly', 'x', { every: 3_600_000 });
  const [seconds] = (await client().time()) as unknown as [number];
  expect((await queue.schedules())[0]?.next.getTime()).toBeLessThanOrEqual((Number(seconds) + 3_600) * 1_000);
});

it('has no tick before its start or after its end, and is over then, however often it is set again', async () => {
  const queue = queueOf<string>();
  const now = Date.now();
  const start = new Date(now + 86_400_000);
  await queue.schedule('later', 'x', { every: 1_000, start, end: now + 2 * 86_400_000 });
  const [later] = await queue.schedules();
  expect(later?.next.getTime()).toBe(Math.ceil(start.getTime() / 1_000) * 1_000);
  const ids: string[] = [];
  const short = { every: 100, end: now + 700, missed: 'all' } as const;
  await queue.schedule('short', 'x', short);
  workerOf({ queue, handler: ({ id }) => void ids.push(id) });
  await eventually(async () => (await queue.schedules()).map(({ name }) => name), ['later']);
  await eventually(async () => (await queue.counts()).waiting, 0);
  const count = ids.length;
  expect(count).toBeGreaterThan(0);
  expect(ids.every((id) => Number(id.replace('schedule:short:', '')) <= now + 700)).toBe(true);
  await queue.schedule('short', 'x', short);
  expect((await queue.schedules()).map(({ name }) => name)).toEqual(['later']);
});

it('is over after so many tasks, and stays so when it is set again', async () => {
  const queue = queueOf<string>();
  const thrice = { every: 100, count: 3 };
  await queue.schedule('thrice', 'x', thrice);
  const ids: string[] = [];
  const workers = Array.from({ length: 3 }, () =>
    workerOf({ queue, handler: ({ id }) => void ids.push(id) }),
  );
  await eventually(async () => (await queue.schedules()).length, 0);
  await queue.schedule('thrice', 'x', thrice);
  expect(await queue.schedules()).toEqual([]);
  await eventually(() => ids.length, 3);
  expect(await queue.runSchedule('thrice')).toBeUndefined();
  await queue.schedule('thrice', 'changed', thrice);
  await eventually(() => ids.length, 6);
  await Promise.all(workers.map((worker) => worker.stop()));
});

it('with overlap "skip", adds no task while the last one has not ended, also between two attempts', async () => {
  const queue = queueOf<string>({ attempts: 2, backoff: { type: 'constant', delay: 300 } });
  await queue.schedule('alone', 'x', { every: 100, overlap: 'skip', missed: 'all' });
  let ended = 0;
  let most = 0;
  workerOf({
    queue,
    concurrency: 5,
    handler: async ({ attempt }) => {
      const { waiting, active, delayed } = await queue.counts();
      most = Math.max(most, waiting + active + delayed);
      if (attempt === 1) throw new Error('once');
      ended += 1;
    },
  });
  await expect.poll(() => ended, { timeout: 20_000 }).toBeGreaterThan(1);
  expect(most).toBe(1);
  await queue.unschedule('alone');
});

it('is run now, beside its ticks', async () => {
  const queue = queueOf<string>();
  await queue.schedule('nightly', 'report', { cron: '0 3 * * *', priority: 4, key: 'k', attempts: 7 });
  const [before] = await queue.schedules();
  const id = await queue.runSchedule('nightly');
  expect(id).toMatch(/^schedule:nightly:now:\d+-/);
  expect(await queue.get(id ?? '')).toMatchObject({
    state: 'waiting',
    data: 'report',
    priority: 4,
    key: 'k',
  });
  expect(await queue.schedules()).toEqual([before]);
  expect(await queue.runSchedule('nightly')).not.toBe(id);
  expect(await queue.runSchedule('daily')).toBeUndefined();
  await queue.schedule('alone', 'x', { cron: '0 3 * * *', overlap: 'skip' });
  const ids = await Promise.all([1, 2, 3].map(() => queue.runSchedule('alone')));
  expect(ids.filter((each) => each !== undefined)).toHaveLength(1);
});
