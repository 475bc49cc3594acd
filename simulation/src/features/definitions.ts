/**
 * What the store that is simulated has: a view of rows, a view of windows over the source's events, a view of flags, and two services of both, one with a cache. Two
 * editions of a program differ in the schema of the rows, and are deployed side by side.
 */
import type { Schema } from '@holdfast/features';
import type { Subject } from '../run/subject.js';
import type { Edition } from './names.js';
import type { FeaturesPlan } from './plan.js';
import type { WorldEvent } from './source.js';

/** How far back windows reach, in ms: all that is published counts, but for events that are far older. */
const SPAN = 600_000;

export function defineFeatures(
  { features }: Subject,
  { history, ttl, strict, cache }: FeaturesPlan['features'],
  edition: Edition,
) {
  const { entity, flags, service, t, view, windows } = features;
  const user = entity('user');
  const event: Schema<unknown, WorldEvent> = {
    '~standard': { version: 1, vendor: 'simulation', validate: (value) => ({ value: value as WorldEvent }) },
  };
  const counts = windows('counts', {
    ...{ entity: user, tile: 60_000, lateness: 60_000, event },
    key: (each) => each.user,
    time: (each) => each.at,
    fields: (on) => ({
      count: on.count({ over: SPAN }),
      amount: on.sum((each) => each.amount, { over: SPAN }),
      last: on.last((each) => each.n, { over: SPAN }),
      latest: on.latest((each) => String(each.n), { n: 3 }),
    }),
  });
  const fields = edition === 1 ? { n: t.int() } : { twice: t.int(), n: t.int() };
  const profile = view('profile', { entity: user, history, strict, fields, ...(ttl && { ttl }) });
  const marks = flags('marks', { entity: entity('shop'), history, flags: ['open', 'busy'] });
  const both = service('both', { views: { profile, counts } });
  const cached = service('cached', { views: { profile, counts }, cache });
  return { user, profile, counts, marks, both, cached };
}

export type Definitions = ReturnType<typeof defineFeatures>;

/** The values of a row: all follows from its number. */
export const valuesOf = (n: number, edition: Edition): Readonly<Record<string, number>> =>
  edition === 1 ? { n } : { twice: 2 * n, n };
