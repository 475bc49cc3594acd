/** What reads answer and promise, on a real Redis. */
import { MisuseError } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { entity, global } from '../src/definition/entity.js';
import { service } from '../src/definition/service.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { createFeatures } from '../src/features.js';
import { later, url, useRedis } from './setting.js';

useRedis();

const user = entity('user');
const profile = view('profile', { entity: user, ttl: 60_000, fields: { score: t.int() } });
const session = view('session', { entity: user, fields: { score: t.int() } });
const rates = view('rates', { entity: global, fields: { vat: t.float64() } });
const ranking = service('ranking', {
  views: { profile, session },
  derive: (row) => ({ both: row['profile.score'] !== null && row['session.score'] !== null }),
});
const taxes = service('taxes', { views: { rates } });

async function appliedStore() {
  const options = { redis: url(), name: 'shop', partitions: 2 };
  const store = createFeatures({
    ...options,
    views: [profile, session, rates],
    services: [ranking, taxes],
  });
  later(() => store.close());
  await store.apply();
  return store;
}

const wrong = (value: unknown) => value as never;

describe('ids', () => {
  it('that are no objects are refused with their path, before anything is read', async () => {
    const store = await appliedStore();
    for (const bad of [null, undefined, 'u1', 7, ['u1'], () => 'u1']) {
      const reading = store.get(ranking, [{ user: 'u1' }, wrong(bad)]);
      await expect(reading).rejects.toThrow(MisuseError);
      await expect(reading).rejects.toThrow(/ids\[1\] .*"user"/);
    }
    await expect(store.get(taxes, [wrong(null)])).rejects.toThrow(/ids\[0\] .*\{\}; got null/);
    await expect(store.get(ranking, wrong(null))).rejects.toThrow(/takes a list of ids.*got null/);
    // A hole in the list is no id either.
    await expect(store.get(ranking, wrong(new Array(1)))).rejects.toThrow(/ids\[0\] /);
  });
});
