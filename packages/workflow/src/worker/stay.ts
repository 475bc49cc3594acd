/**
 * For how long a run that only waits stays with its worker before it is parked.
 *
 * A run that was parked is claimed and replayed from its top when it goes on. Guarantees: one whose replay is worth it stays for
 * a second, and at least about five times as long as its replay takes, so that replays are a small part of the time, however
 * often runs go on. One with a short journal is parked at once, and so is one that would take room that others may need.
 */
import type { Clock, Timer } from '@holdfast/kernel';

/** A run with fewer records than this is parked at once: a replay costs it little. */
const LONG = 20;
/** In ms: at least this, and so much for each record. */
const STAY = 1_000;
const STAY_PER_RECORD = 0.1;

export class Stay {
  readonly #clock: Clock;
  readonly #hasRoom: () => boolean;
  #records = 0;
  #fedAt = 0;
  #timer: Timer | undefined;

  constructor({ clock, hasRoom }: { readonly clock: Clock; readonly hasRoom: () => boolean }) {
    this.#clock = clock;
    this.#hasRoom = hasRoom;
  }

  /** So many more records are handed over. */
  fed(records: number): void {
    this.#records += records;
    this.#fedAt = this.#clock.now();
  }

  /** In ms; 0 or less when it may be parked. */
  get left(): number {
    if (this.#records < LONG || !this.#hasRoom()) return 0;
    return this.#fedAt + Math.max(STAY, this.#records * STAY_PER_RECORD) - this.#clock.now();
  }

  /** Calls `onOver` when nothing is left, unless it has ended before. False if nothing is left now. */
  begin(onOver: () => void): boolean {
    const { left } = this;
    if (left <= 0) return false;
    this.end();
    this.#timer = this.#clock.after(left, onOver);
    return true;
  }

  end(): void {
    this.#timer?.cancel();
  }
}
