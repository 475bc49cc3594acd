/** A rate that processes share: places in time, which are settled afterwards. */
import { MisuseError } from '@holdfast/kernel';
import { createRateLimiter, type RateLimiterOptions, type Reservation } from '@holdfast/queue/rate-limiter';
import { expect, it } from 'vitest';
import { client, later, url, useRedis } from './setting.js';

useRedis();

const HOUR = 3_600_000;

function limiter(options: Partial<RateLimiterOptions> = {}) {
  const one = createRateLimiter({ redis: url(), name: 'mails', max: 60, per: HOUR, ...options });
  later(() => one.close());
  return one;
}

/** When it may begin; a place that is given has one. */
const atOf = (reservation: Reservation): number => (reservation.isReserved ? reservation.at : Number.NaN);

it('gives places in time, in turn, to all who share a name', async () => {
  const [one, two] = [
    limiter({ burst: 2 * 60_000, ahead: HOUR }),
    limiter({ burst: 2 * 60_000, ahead: HOUR }),
  ];
  const places: Reservation[] = [];
  for (const each of [one, two, one, two, one]) places.push(await each.reserve());
  expect(places.slice(0, 2)).toMatchObject([{ wait: 0 }, { wait: 0 }]);
  const [, , third, fourth, fifth] = places.map(atOf);
  // A minute apart, but for rounding up.
  expect(Math.abs(Number(fourth) - Number(third) - 60_000)).toBeLessThanOrEqual(1);
  expect(Math.abs(Number(fifth) - Number(fourth) - 60_000)).toBeLessThanOrEqual(1);
  expect(places.every(({ isReserved }) => isReserved)).toBe(true);
  // Another name is another rate.
  expect(await limiter({ name: 'other' }).reserve()).toMatchObject({ isReserved: true, wait: 0 });
});

it('a repeated reservation is one; what is settled gives back, or takes more, once', async () => {
  const one = limiter({ burst: 0, ahead: HOUR });
  const first = await one.reserve({ id: 'a', amount: 10 });
  expect(atOf(await one.reserve({ id: 'a', amount: 10 }))).toBe(atOf(first));
  expect(await one.settle('a', 1)).toBe(true);
  expect(await one.settle('a', 1)).toBe(false);
  expect(await one.settle('never', 1)).toBe(false);
  // One minute of the first, and one of its own.
  const second = await one.reserve({ id: 'b' });
  expect(second.wait).toBeGreaterThan(60_000);
  expect(second.wait).toBeLessThanOrEqual(2 * 60_000);
  expect(await one.settle('b', 21)).toBe(true);
  const third = await one.reserve({ id: 'c' });
  expect(third.wait).toBeGreaterThan(20 * 60_000);
});

it('gives no place that is too far ahead, but one that alone is too large', async () => {
  const one = limiter({ burst: 0, ahead: 2 * 60_000 });
  expect(await one.reserve({ amount: 100 })).toMatchObject({ isReserved: true });
  const busy = await one.reserve();
  expect(busy).toMatchObject({ isReserved: false });
  // What is in the way has to be over but for two minutes, of which it takes one.
  expect(busy.wait).toBeGreaterThan(98 * 60_000);
  expect(busy.wait).toBeLessThanOrEqual(99 * 60_000);
});

it('goes on after a clock that was set back, and forgets what was not settled', async () => {
  const one = limiter({ ahead: 0 });
  const [seconds] = (await client().time()) as unknown as [number];
  const now = Number(seconds) * 1_000;
  const later = now + 30 * 24 * HOUR;
  await client().set('{rate:mails}:clock', `${later + 2 * 60_000} ${later}`);
  // Two minutes were used then, of sixty that may begin at once, and are used now.
  expect(await one.reserve({ amount: 59 })).toMatchObject({ isReserved: false });
  expect(await one.reserve({ amount: 57 })).toMatchObject({ isReserved: true, wait: 0 });
  await one.reserve({ id: 'old' });
  expect(await client().hkeys('{rate:mails}:kept')).toContain('old');
  await client().zadd('{rate:mails}:ends', '1', 'old');
  await one.reserve({ id: 'new' });
  expect(await client().hkeys('{rate:mails}:kept')).not.toContain('old');
});

it('refuses what can be no rate', async () => {
  for (const wrong of [{ max: 0 }, { per: 0 }, { name: 'a b' }, { burst: -1 }, { most: 1 }])
    expect(() => limiter(wrong as never)).toThrow(MisuseError);
  const one = limiter();
  await expect(one.reserve({ amount: 0 })).rejects.toThrow(MisuseError);
  await expect(one.reserve({ id: '' })).rejects.toThrow(MisuseError);
  await expect(one.settle('a', -1)).rejects.toThrow(MisuseError);
  await one.close();
  await expect(one.reserve()).rejects.toThrow(MisuseError);
});
