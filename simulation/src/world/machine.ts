/**
 * A process of a client on its machine: its clock, its source of chance, and whether it gets to run at all.
 *
 * Guarantees: while a process is paused it handles nothing; then first its timers that are due, then what has arrived,
 * as Node does. A process that has crashed does nothing more. A pause may also begin inside a turn, right behind a
 * reading of the clock: what the process does afterwards happens later than it believes.
 */
import { type Clock, type Random, seededRandom, type Timer } from '@holdfast/kernel';
import type { Scheduler } from './scheduler.js';

/** When the world begins, in microseconds since 1970: any time that is long after. */
export const BEGINNING = 1_790_000_000_000_000;

export interface ClockSettings {
  /** How fast the clock runs: 1 is right. */
  readonly rate: number;
  /** How far it is ahead of true time, in microseconds. */
  readonly ahead: number;
}

type Kind = 'timers' | 'input';

export class Machine {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  alive = true;
  /** Ahead of true time by the wall clock, in microseconds; a jump changes it. */
  wallAhead: number;
  readonly #scheduler: Scheduler;
  readonly #rate: number;
  /** True time until which nothing is handled. */
  #pausedUntil = 0;
  /** True time up to which it has already acted, in a turn with a pause inside. */
  #livedUntil = 0;
  /** How long the pause is that begins at the next reading of the clock, in microseconds. */
  #pauseAtReading = 0;
  #waking = false;
  readonly #backlog: Record<Kind, (() => void)[]> = { timers: [], input: [] };

  constructor(scheduler: Scheduler, name: string, seed: number, { rate, ahead }: ClockSettings) {
    this.#scheduler = scheduler;
    this.name = name;
    this.#rate = rate;
    this.wallAhead = ahead;
    this.random = seededRandom(seed);
    this.clock = {
      now: () => this.#read() / 1000,
      wall: () => BEGINNING + Math.round(this.time + this.wallAhead),
      after: (delay, callback) => this.#after(delay, callback),
      afterInput: (callback) => this.#schedule('input', this.time, callback),
    };
  }

  get #inTurn(): boolean {
    return this.#scheduler.turn === this;
  }

  /** True time of what the process does now: later than the world's while a pause that began in this turn lasts. */
  get time(): number {
    return this.#inTurn ? Math.max(this.#scheduler.now, this.#pausedUntil) : this.#scheduler.now;
  }

  get isPaused(): boolean {
    return this.#pausedUntil > this.#scheduler.now;
  }

  /** Whether it has handled all that was due a moment ago. */
  get isPunctual(): boolean {
    return this.#pausedUntil < this.#scheduler.now;
  }

  /** Stands still for so many microseconds, from now or from the next reading of the clock. */
  pause(duration: number, atReading: boolean): void {
    if (atReading) this.#pauseAtReading = duration;
    else this.#pausedUntil = Math.max(this.#pausedUntil, this.#scheduler.now + duration);
  }

  /** Ends a pause, and what would begin one. */
  resume(): void {
    this.#pauseAtReading = 0;
    // What a process has done in a turn behind a pause, it has done then.
    this.#pausedUntil = Math.min(this.#pausedUntil, Math.max(this.#scheduler.now, this.#livedUntil));
    this.#wake();
  }

  /** Handles `task` when the process next looks at its input. */
  input(task: () => void): void {
    this.#handle('input', task);
  }

  /** Carries out `task` at the moment of the world at which the process is now. */
  whenReal(task: () => void): void {
    if (this.time <= this.#scheduler.now) task();
    else this.#scheduler.at(this.time, task);
  }

  /** Runs `program` as the process; for what starts it. */
  run(program: () => void): void {
    this.#handle('input', program);
  }

  #read(): number {
    const shown = this.time * this.#rate;
    if (this.#pauseAtReading > 0 && this.#inTurn) {
      this.#pausedUntil = this.time + this.#pauseAtReading;
      this.#livedUntil = this.#pausedUntil;
      this.#pauseAtReading = 0;
    }
    return shown;
  }

  #after(delay: number, callback: () => void): Timer {
    return this.#schedule('timers', this.time + Math.ceil((delay * 1000) / this.#rate), callback);
  }

  #schedule(kind: Kind, time: number, callback: () => void): Timer {
    let cancelled = false;
    const timer = this.#scheduler.at(time, () => this.#handle(kind, () => cancelled || callback()));
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  #handle(kind: Kind, task: () => void): void {
    if (!this.alive) return;
    if (this.isPaused) {
      this.#backlog[kind].push(task);
      this.#wakeLater();
      return;
    }
    this.#scheduler.turn = this;
    task();
  }

  #wakeLater(): void {
    if (this.#waking) return;
    this.#waking = true;
    this.#scheduler.at(this.#pausedUntil, () => {
      this.#waking = false;
      this.#wake();
    });
  }

  #wake(): void {
    if (this.isPaused) {
      this.#wakeLater();
      return;
    }
    for (const kind of ['timers', 'input'] as const) {
      for (const task of this.#backlog[kind].splice(0)) {
        this.#scheduler.at(this.#scheduler.now, () => this.#handle(kind, task));
      }
    }
  }
}
