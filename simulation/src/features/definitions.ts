/**
 * What the store that is simulated has: a view of rows, a view of windows over the source's events, and a service of both.
 */
import type { Schema } from '@holdfast/features';
import type { Subject } from '../run/subject.js';
import type { WorldEvent } from './source.js';

/** How far back windows reach, in ms: all that is published counts, but for events that are far older. */
const SPAN = 600_000;

/** `history`: whether rows are logged. */
export function defineFeatures({ features }: Subject, history: boolean) {
  const { entity, service, t, view, windows } = features;
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
  const profile = view('profile', { entity: user, history, fields: { n: t.int() } });
  const both = service('both', { views: { profile, counts } });
  return { profile, counts, both };
}

export type Definitions = ReturnType<typeof defineFeatures>;
