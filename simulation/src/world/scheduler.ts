/**
 * Virtual time: one queue of events, carried out in the order of their times, and what they start before the next one.
 *
 * Guarantees: the same events in the same order for the same run. Between two events all promise reactions are carried
 * out, so shipped code that awaits sees the world as a real event loop would show it. An event that throws ends the run.
 */
import type { Timer } from '@holdfast/kernel';

/** Events for which one turn of the real event loop is asked at a time: each turn costs a call of the system. */
const BATCH = 64;

class Event implements Timer {
  readonly time: number;
  readonly sequence: number;
  task: (() => void) | undefined;

  constructor(time: number, sequence: number, task: () => void) {
    this.time = time;
    this.sequence = sequence;
    this.task = task;
  }

  cancel(): void {
    this.task = undefined;
  }

  isBefore(other: Event): boolean {
    return this.time < other.time || (this.time === other.time && this.sequence < other.sequence);
  }
}

export class Scheduler {
  /** True time since the run began, in microseconds: what no clock in the world shows exactly. */
  now = 0;
  /** Events that were carried out. */
  events = 0;
  /** Whose turn the present event is, and what is awaited in it. */
  turn: object | undefined;
  readonly #heap: Event[] = [];
  #sequence = 0;

  /** Carries out `task` at `time`, or now if that is past, behind what is due at the same time already. */
  at(time: number, task: () => void): Timer {
    this.#sequence += 1;
    const event = new Event(Math.max(time, this.now), this.#sequence, task);
    this.#push(event);
    return event;
  }

  after(delay: number, task: () => void): Timer {
    return this.at(this.now + delay, task);
  }

  /** Carries out events until `isDone`, or until nothing is left to happen. Rejects with what an event throws. */
  run(isDone: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let asked = 0;
      let over = false;
      const end = (settle: () => void): void => {
        over = true;
        settle();
      };
      const step = (): void => {
        asked -= 1;
        if (over) return;
        try {
          if (isDone() || !this.#next()) end(resolve);
        } catch (error) {
          end(() => reject(error));
        }
        if (asked === 0 && !over) ask();
      };
      const ask = (): void => {
        asked = BATCH;
        for (let index = 0; index < BATCH; index += 1) setImmediate(step);
      };
      ask();
    });
  }

  /** Carries out one event. False if there is none. */
  #next(): boolean {
    for (;;) {
      const event = this.#pop();
      if (event === undefined) return false;
      const { task } = event;
      if (task === undefined) continue;
      this.now = event.time;
      this.events += 1;
      this.turn = undefined;
      task();
      return true;
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Event;
      if (!event.isBefore(above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      let child = heap[left];
      let place = left;
      const other = heap[right];
      if (child && other?.isBefore(child)) {
        child = other;
        place = right;
      }
      if (child === undefined || !child.isBefore(last)) break;
      heap[index] = child;
      index = place;
    }
    heap[index] = last;
    return first;
  }
}
