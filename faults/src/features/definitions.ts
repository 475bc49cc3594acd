/** The store that all processes of an episode share: rows that are landed, and windows that count the events of a source. */
import {
  createFeatures,
  entity,
  type Features,
  type Source,
  type SourceRecord,
  t,
  view,
  windows,
} from '@holdfast/features';
import { pause, type Schema, systemClock } from '@holdfast/kernel';
import type { NodeSource } from '@holdfast/redis';
import { monotonic } from '../traffic/recorder.js';
import { COUNTED, PARTITIONS } from './assignment.js';

export interface CountedEvent {
  readonly user: string;
  readonly at: number;
}

const user = entity('user');
export const facts = view('facts', { entity: user, fields: { value: t.string() } });
export const clicks = windows('clicks', {
  entity: user,
  tile: 3_600_000,
  event: { '~standard': { version: 1, vendor: 'faults', validate: (value) => ({ value }) } } as Schema<
    unknown,
    CountedEvent
  >,
  key: (event) => event.user,
  time: (event) => event.at,
  fields: (on) => ({ count: on.count({ over: 24 * 3_600_000 }) }),
});

export const storeOf = (redis: NodeSource, name: string): Features =>
  createFeatures({ redis, name, views: [facts, clicks], partitions: PARTITIONS, callTimeout: 1_000 });

/** An event becomes due so often, in microseconds. */
const EVERY = 10_000;

/** How many events the source has by now. */
export const dueBy = (began: number): number => Math.max(0, Math.floor((monotonic() - began) / EVERY));

/** Whose event it is. */
export const userOf = (event: number): string => `u${event % COUNTED}`;

/** How many events come together at most. */
const MOST = 500;

/** The source: an event after the other, the same to whoever reads it, up to `end`, or for ever. */
export function sourceOf(began: number, end = Number.POSITIVE_INFINITY): Source {
  return {
    name: 'events',
    partitions: [0],
    nameOf: () => 'events',
    extent: () => Promise.resolve(undefined),
    async *read(_, after, signal) {
      for (let next = (after?.[0] ?? -1) + 1; next < end && !signal.aborted; ) {
        const due = Math.min(dueBy(began), end, next + MOST);
        if (due <= next) {
          await pause(systemClock, 20);
          continue;
        }
        const events = Array.from({ length: due - next }, (_each, place) => next + place);
        const records = events.map((event): SourceRecord => ({ offset: [event, 0], value: event }));
        yield { records, through: [due - 1, 0] };
        next = due;
      }
    },
  };
}
