/**
 * What happens to the runs of an app, for programs that follow them.
 *
 * Guarantees: every event at least once, those of a run in the order in which they happened, from the reader's place on. A
 * named reader's place is kept in Redis: it goes on behind what it had asked to go beyond, so an event whose handling was cut
 * is given again. Kept are the events of 7 days, and of each partition the latest 100,000; a reader that was away for longer
 * is told by a `gap`.
 */
import {
  abortSignal,
  type Clock,
  display,
  having,
  MisuseError,
  onAbort,
  optional,
  passedOn,
  readOptions,
  requireToken,
} from '@holdfast/kernel';
import type { Outcome } from '../journal/record.js';
import { name, parseRunName } from '../run-name.js';
import type { EventEntry } from '../store/event-store.js';
import type { Store } from '../store/store.js';
import { namedReader, type PlacedEntry, type ReaderPlace, readPartition } from './partition-events.js';
import { Until } from './until.js';

interface About {
  /** "<partition>:<id>": the same each time that the event is given. */
  readonly id: string;
  /** Pass it on as `after` to go on behind this event. */
  readonly cursor: string;
  readonly workflow: string;
  readonly run: string;
  /** With which the run was started, if it was not its id. */
  readonly key: string | undefined;
  /** By the server's clock, in ms since the epoch. */
  readonly at: number;
}

export type WorkflowEvent =
  | (About & { readonly kind: 'started' })
  /** For messages of these names, without a worker. */
  | (About & { readonly kind: 'waiting'; readonly waitsFor: readonly string[] })
  | (About & { readonly kind: 'stuck'; readonly reason: string })
  | (About & { readonly kind: 'ended'; readonly status: Outcome['status'] })
  /** Events were dropped before they were read. */
  | { readonly kind: 'gap'; readonly cursor: string };

export interface EventsOptions {
  /** A name, 1 to 64 letters, digits, "_" and "-", under which Redis keeps the place: it begins where that name stopped. */
  readonly reader?: string;
  /** Whose token the named reader has, such as a lease. Default: a fresh one, so that who opens it last reads it. */
  readonly holder?: { readonly token: number };
  /** The `cursor` of an event behind which to begin, or 'oldest'. Default, without a name: what happens from now on. */
  readonly after?: string;
  readonly signal?: AbortSignal;
}

const EVENTS = {
  reader: optional(name),
  holder: optional((option: string, value: unknown) => {
    const holder = having<{ readonly token: number }>()(option, value);
    requireToken(holder.token);
    return holder;
  }),
  after: optional(passedOn<string>()),
  signal: optional(abortSignal),
};

/** Throws MisuseError. */
export function readEvents(
  stores: readonly Store[],
  clock: Clock,
  options: EventsOptions = {},
): AsyncIterable<WorkflowEvent> {
  const { reader, holder, after, signal } = readOptions('events', options, EVENTS);
  if (reader !== undefined && after !== undefined) {
    throw new MisuseError('events takes a reader, whose place Redis keeps, or after, but not both.');
  }
  const places = after === undefined ? undefined : readCursor(after, stores.length);
  return {
    [Symbol.asyncIterator]: () => {
      const place = reader === undefined ? ownReader(stores, places) : namedReader(reader, holder, clock);
      return merge({ stores, clock, place, from: places, signal });
    },
  };
}

/** A reader whose place the caller keeps. */
function ownReader(stores: readonly Store[], places: readonly string[] | undefined): ReaderPlace {
  return {
    begin: async (store) => places?.[stores.indexOf(store)] ?? (await store.place('')).id,
    passed: async () => {},
  };
}

interface Merging {
  readonly stores: readonly Store[];
  readonly clock: Clock;
  readonly place: ReaderPlace;
  readonly from: readonly string[] | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Events of all partitions as they come. The next of a partition is asked for when the one before was handled. */
async function* merge({ stores, clock, place, from, signal }: Merging): AsyncGenerator<WorkflowEvent, void> {
  const ending = new AbortController();
  const closed = AbortSignal.any(stores.map((store) => store.closed));
  const until = new Until('reading the events of workflows', closed, signal);
  const over = AbortSignal.any([ending.signal, until.signal]);
  const places = stores.map((_, partition) => from?.[partition] ?? '0-0');
  const came: { readonly partition: number; readonly given: IteratorResult<PlacedEntry, void> }[] = [];
  let failure: unknown;
  let wake = (): void => {};
  const readings = stores.map((store) => readPartition(store, clock, place, over));
  const ask = (partition: number): void => {
    void readings[partition]?.next().then(
      (given) => {
        came.push({ partition, given });
        wake();
      },
      (error: unknown) => {
        failure ??= error;
        wake();
      },
    );
  };
  for (const partition of stores.keys()) ask(partition);
  const leave = onAbort(until.signal, () => wake());
  try {
    for (;;) {
      // Readings may be in calls that are not answered, and are not waited for.
      if (until.signal.aborted) throw until.error;
      if (failure !== undefined) throw failure;
      const next = came.shift();
      if (next?.given.done) break;
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const { partition, given } = next;
      const { entry, place: passed } = given.value as PlacedEntry;
      places[partition] = passed;
      const cursor = places.map((each, index) => `${index}:${each}`).join(',');
      yield entry === undefined ? { kind: 'gap', cursor } : eventOf(entry, partition, cursor);
      ask(partition);
    }
  } finally {
    leave();
    ending.abort();
  }
}

function eventOf(
  [id, [kind, run = '', , detail = '']]: EventEntry,
  partition: number,
  cursor: string,
): WorkflowEvent {
  const { workflow, id: of, key } = parseRunName(run);
  const at = Number(id.split('-')[0]);
  const about = { id: `${partition}:${id}`, cursor, workflow, run: of, key, at };
  if (kind === 'waiting') return { ...about, kind, waitsFor: JSON.parse(detail) };
  if (kind === 'stuck') return { ...about, kind, reason: detail };
  if (kind === 'ended') return { ...about, kind, status: detail as Outcome['status'] };
  return { ...about, kind: 'started' };
}

function readCursor(after: string, partitions: number): readonly string[] {
  if (after === 'oldest') return Array.from({ length: partitions }, () => '0-0');
  const parts = typeof after === 'string' ? after.split(',') : [];
  const places = parts.map((part, index) => {
    const [, partition, place = ''] = /^(\d+):(\d+-\d+)$/.exec(part) ?? [];
    return partition === String(index) ? place : '';
  });
  if (places.length === partitions && !places.includes('')) return places;
  throw new MisuseError(
    `after is "oldest", or the cursor of an event of this app, which has ${partitions} partition${partitions === 1 ? '' : 's'}; got ${display(after)}.`,
  );
}
