/**
 * The source that lanes follow: two partitions of events, which are published as the plan says, and forget nothing.
 */
import type { Extent, Offset, Source, SourceBatch } from '@holdfast/features';
import type { Machine } from '../world/machine.js';
import type { EventPlan } from './plan.js';

/** An event as it is published; `n` is its number, which no other has. */
export interface WorldEvent {
  readonly n: number;
  readonly user: string;
  /** In ms since 1970. */
  readonly at: number;
  /** The event time of the row that it becomes, if that is another. */
  readonly instant: number | undefined;
  readonly amount: number;
  readonly isReadable: boolean;
  /** Whether it happened before every window. */
  readonly isOld: boolean;
}

/** How often a reader looks, in ms, and how much it takes. */
const LOOK_EVERY = 20;
const MOST = 5;

export class WorldSource {
  readonly partitions: readonly WorldEvent[][] = [[], []];

  publish({ partition, user, age, instant, amount, isReadable }: EventPlan, n: number, now: number): void {
    this.partitions[partition]?.push({ n, user, at: now - age, instant, amount, isReadable, isOld: age > 0 });
  }

  /** As a process reads it. */
  for(machine: Machine): Source {
    const extentOf = (partition: number): Extent => {
      const { length } = this.partitions[partition] ?? [];
      return { lostThrough: undefined, last: length === 0 ? undefined : [length, 0] };
    };
    return {
      ...{ name: 'events', partitions: [0, 1] },
      nameOf: (partition) => `events-${partition}`,
      extent: async (partition) => extentOf(partition),
      read: (partition, after, signal) => this.#read(machine, { partition, after, signal }, extentOf),
    };
  }

  async *#read(
    machine: Machine,
    { partition, after, signal }: { partition: number; after: Offset | undefined; signal: AbortSignal },
    extentOf: (partition: number) => Extent,
  ): AsyncIterable<SourceBatch> {
    let [taken] = after ?? [0];
    while (!signal.aborted) {
      const events = (this.partitions[partition] ?? []).slice(taken, taken + MOST);
      const records = events.map((value, index) => ({ offset: [taken + index + 1, 0] as const, value }));
      taken += events.length;
      // A quiet source says nothing: partitions of the store learn how far it was taken in without its help.
      if (events.length > 0) yield { records, through: [taken, 0], extent: extentOf(partition) };
      else await wait(machine, signal);
    }
  }
}

const wait = (machine: Machine, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = machine.clock.after(LOOK_EVERY, end);
    signal.addEventListener('abort', end);
  });
