/**
 * Runs the ticks of schedules that are due: a run each.
 *
 * Guarantees: one run a tick, however many workers see that it is due: its id is that of the tick, and the next tick is set
 * only when the runs of those before it are there. It looks again at the next tick, and every third of the lease, also while
 * the worker has no room. Of an outage, the first failure is reported.
 */
import { type Clock, CodecError, type Random, type Timer } from '@holdfast/kernel';
import { Health, type Report, type ScheduleTimes, ticksOf } from '@holdfast/redis';
import { plainFields } from '../journal/coder.js';
import type { KeptSchedule, Schedules } from '../store/schedule-store.js';
import type { Store } from '../store/store.js';

/** What is kept of a schedule: JSON of this. */
export interface ScheduleText {
  readonly workflow: string;
  readonly schedule: ScheduleTimes & { readonly priority?: number; readonly key?: string };
  readonly input: unknown;
}

/** Throws CodecError. */
export const readSchedule = (kept: string): ScheduleText => plainFields(kept) as unknown as ScheduleText;

/** Starts the run of a tick, unless it is there. Whether the program has its workflow. */
export type StartTick = (name: string, text: ScheduleText, time: number) => Promise<boolean>;

interface TickerParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** In ms. */
  readonly lease: number;
  readonly start: StartTick;
  /** It looks: so that whatever else has to be looked at now and then has no clock of its own. */
  readonly onLook: () => void;
  readonly report: Report;
}

/** How much later than a tick a worker may begin that runs it all the same, in ms: as another takes its place. */
const LATE = 1_000;

export class Ticker {
  readonly #parts: TickerParts;
  readonly #health: Health;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(parts: TickerParts) {
    this.#parts = parts;
    this.#health = new Health(parts, parts.report);
    this.#later(0);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #later(delay: number): void {
    if (this.#isStopped || this.#parts.store.closed.aborted) return;
    const { clock, lease } = this.#parts;
    const most = Math.max(1, Math.ceil(lease / 3));
    this.#timer = clock.after(Math.min(most, Math.max(1, delay)), () => void this.#look(), {
      keepAlive: false,
    });
  }

  async #look(): Promise<void> {
    const { store, onLook } = this.#parts;
    onLook();
    let delay = Number.POSITIVE_INFINITY;
    let unreadable: unknown;
    try {
      const found = await store.schedules('due');
      for (const due of found.schedules) {
        try {
          await this.#run(due, found);
        } catch (error) {
          if (!(error instanceof CodecError)) throw error;
          unreadable = error; // the others are run
        }
      }
      const again = await store.schedules('due');
      if (again.next !== undefined) delay = again.next - again.now + 1;
      if (unreadable === undefined) this.#health.succeeded();
      else this.#health.failed(unreadable);
    } catch (error) {
      if (!store.closed.aborted) this.#health.failed(error);
    }
    this.#later(delay);
  }

  /** Rejects with what a start rejects with: then the tick stays due. */
  async #run({ name, kept, at: first }: KeptSchedule, { now, since }: Schedules): Promise<void> {
    const { store, start } = this.#parts;
    const text = readSchedule(kept);
    for (let at: number | undefined = first; at !== undefined && at <= now; ) {
      const { times, next } = ticksOf(text.schedule, { at, now, since: since - LATE });
      for (const time of times) if (!(await start(name, text, time))) return;
      if (!(await store.tick({ name, at, next }))) return;
      at = next;
    }
  }
}
