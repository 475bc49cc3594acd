/**
 * The events of one partition, for one reader.
 *
 * Guarantees: every event behind the reader's place, in order; those of a run are all in one partition. Where what followed
 * the place may be gone, a gap comes first. An outage is waited out, and the reading goes on from where it was.
 */
import { type Clock, HoldfastError, LeaseLostError, onAbort, pause } from '@holdfast/kernel';
import type { EventEntry } from '../store/event-store.js';
import type { Store } from '../store/store.js';

/** Undefined for a gap. `place`: behind it. */
export interface PlacedEntry {
  readonly entry: EventEntry | undefined;
  readonly place: string;
}

/** Where a reader begins, and how it is told that it has come further. */
export interface ReaderPlace {
  readonly begin: (store: Store, signal: AbortSignal) => Promise<string>;
  readonly passed: (store: Store, place: string) => Promise<void>;
}

const BATCH = 500;

export async function* readPartition(
  store: Store,
  clock: Clock,
  reader: ReaderPlace,
  signal: AbortSignal,
): AsyncGenerator<PlacedEntry, void> {
  const follower = store.followEvents();
  const leave = onAbort(signal, () => follower.close());
  try {
    let place = await untilAnswered(clock, signal, () => reader.begin(store, signal));
    while (!signal.aborted && place !== undefined) {
      const at: string = place;
      const known = await untilAnswered(clock, signal, () => store.place(at));
      if (known === undefined) return;
      const entries = await follower.read(at, BATCH).catch(() => undefined);
      if (entries === undefined) {
        await follower.recover(signal);
        continue;
      }
      // What came while nothing was kept behind the place is not missed: there is a gap only before something that is there.
      if (!known.isKept && entries.length > 0) yield { entry: undefined, place: at };
      for (const entry of entries) {
        yield { entry, place: entry[0] };
        place = entry[0];
      }
      if (entries.length > 0) {
        const passed: string = place;
        await untilAnswered(clock, signal, () => reader.passed(store, passed));
      }
    }
  } finally {
    leave();
    follower.close();
  }
}

/** Undefined if `signal` aborts first. Rejects as the call does, but for outages. */
async function untilAnswered<T>(
  clock: Clock,
  signal: AbortSignal,
  call: () => Promise<T>,
): Promise<T | undefined> {
  for (let tries = 0; !signal.aborted; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof HoldfastError) || error.code !== 'HOLDFAST_UNAVAILABLE') throw error;
    }
    await pause(clock, Math.min(1_000, 20 * 2 ** Math.min(tries, 6)), signal);
  }
  return undefined;
}

/** A reader whose place the partitions keep under its token: who opened it last has it. */
export function namedReader(
  name: string,
  holder: { readonly token: number } | undefined,
  clock: Clock,
): ReaderPlace {
  const tokens = new Map<Store, number>();
  const lost = (token: number): LeaseLostError =>
    new LeaseLostError(`The reader of events "${name}" was opened by another since. Stop its work.`, {
      resource: name,
      token,
    });
  return {
    async begin(store, signal) {
      while (!signal.aborted) {
        const opened = await store.openReader(name, holder?.token);
        if (opened.word === 'stale') throw lost(holder?.token ?? 0);
        if (opened.word === 'reader') {
          tokens.set(store, opened.token);
          return opened.place;
        }
        await pause(clock, opened.wait, signal);
      }
      return '0-0';
    },
    async passed(store, place) {
      const token = tokens.get(store) ?? 0;
      if (!(await store.moveReader({ name, token, place }))) throw lost(token);
    },
  };
}
