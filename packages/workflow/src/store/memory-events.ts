/**
 * The events of a partition in memory: what lua/events.lua, place.lua and reader.lua do.
 */
import { type Clock, pause } from '@holdfast/kernel';
import { compareIds } from '@holdfast/redis';
import type { EventEntry, EventFollower, OpenedReader } from './event-store.js';

/** More are not kept. */
const MOST = 100_000;

export class MemoryEvents {
  readonly #clock: Clock;
  readonly #issue: (seen: number) => number;
  readonly #entries: EventEntry[] = [];
  readonly #readers = new Map<string, { readonly token: number; readonly place: string }>();
  #waiting = new AbortController();
  #last = '0-0';

  constructor(clock: Clock, issue: (seen: number) => number) {
    this.#clock = clock;
    this.#issue = issue;
  }

  happened(run: string, kind: string, detail?: string): void {
    const ms = Math.floor(this.#clock.wall() / 1_000);
    const [last = 0, number = 0] = this.#last.split('-').map(Number);
    this.#last = ms > last ? `${ms}-0` : `${last}-${number + 1}`;
    this.#entries.push([this.#last, [kind, run, ...(detail === undefined ? [] : ['d', detail])]]);
    if (this.#entries.length > MOST) this.#entries.shift();
    this.#waiting.abort();
    this.#waiting = new AbortController();
  }

  place(id: string): { readonly id: string; readonly isKept: boolean } {
    if (id === '') return { id: this.#last, isKept: true };
    return { id, isKept: id === '0-0' || this.#entries.some(([each]) => each === id) };
  }

  openReader(name: string, token: number | undefined): OpenedReader {
    const known = this.#readers.get(name);
    if (token !== undefined && known && token < known.token) return { word: 'stale' };
    const opened = { token: token ?? this.#issue(known?.token ?? 0), place: known?.place ?? '0-0' };
    this.#readers.set(name, opened);
    return { ...opened, word: 'reader' };
  }

  moveReader({ name, token, place }: { name: string; token: number; place: string }): boolean {
    if (this.#readers.get(name)?.token !== token) return false;
    this.#readers.set(name, { token, place });
    return true;
  }

  follow(): EventFollower {
    const closing = new AbortController();
    return {
      read: async (place, most) => {
        const found = (): EventEntry[] =>
          this.#entries.filter(([id]) => compareIds(id, place) > 0).slice(0, most);
        while (found().length === 0 && !closing.signal.aborted) {
          await new Promise<void>((resolve) => {
            for (const { signal } of [closing, this.#waiting])
              signal.addEventListener('abort', () => resolve());
          });
        }
        if (closing.signal.aborted) throw new Error('it is closed');
        return found();
      },
      recover: (signal) => pause(this.#clock, 1, signal),
      close: () => closing.abort(),
    };
  }
}
