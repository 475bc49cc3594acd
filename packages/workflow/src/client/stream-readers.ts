/**
 * Who reads streams of runs in this process: what lies there is asked for, and when nothing is, the mailbox tells of more.
 *
 * Guarantees: a reader is given every chunk of the attempts that it shows, in order, once; and what was written while a run
 * went on under several workers with a `restart` between the attempts. It ends when the run is over and all was read.
 * Whenever the mailbox begins to listen anew, and now and then besides, each reader asks again.
 */
import { type Clock, display, HoldfastError, MisuseError, pause, plainValue } from '@holdfast/kernel';
import type { RunRef } from '../store/claim.js';
import type { Store } from '../store/store.js';
import type { Chunks } from '../store/stream-store.js';

/** What a reader of a stream is given. `position`: behind it; pass it on as `from` to go on there. */
export type StreamItem<T = unknown> =
  | {
      readonly kind: 'chunk';
      readonly chunk: T;
      /** The place in the function of the step that has written it. */
      readonly step: string;
      readonly position: string;
    }
  /** A later attempt of a step begins: what came of `step` before is void; undefined: of all steps. */
  | { readonly kind: 'restart'; readonly step: string | undefined; readonly position: string };

export interface ReadOptions {
  readonly run: RunRef;
  readonly stream: string;
  readonly from: Position;
  /** Whether attempts are shown that a later one has followed. */
  readonly all: boolean;
  readonly signal: AbortSignal;
}

/** How many entries were passed, and the head of the last of them. */
export interface Position {
  readonly passed: number;
  readonly head: string;
}

export class StreamReaders {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #mailbox: string;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor({ store, clock, mailbox }: { store: Store; clock: Clock; mailbox: string }) {
    this.#store = store;
    this.#clock = clock;
    this.#mailbox = mailbox;
  }

  /** There is more in a stream. */
  hear(text: string): void {
    if (!text.startsWith('c')) return;
    for (const wake of [...(this.#waiting.get(text.slice(1)) ?? [])]) wake();
  }

  /** Mail may have been missed: all ask again. */
  askAgain(): void {
    for (const waiting of [...this.#waiting.values()]) for (const wake of [...waiting]) wake();
  }

  /** Gives `undefined` at last if there is no such run. Rejects with what a call rejects with, but for outages. */
  async *read<T>({
    run,
    stream,
    from,
    all,
    signal,
  }: ReadOptions): AsyncGenerator<StreamItem<T> | undefined, void> {
    let { generation } = run;
    let { passed, head } = from;
    const isResumed = passed > 0;
    /** Steps of which something was shown. */
    const shown = new Set<string>();
    for (let tries = 0; !signal.aborted; ) {
      // It may be told of more while it reads what is there.
      const heard = this.#hearing(`${run.run}\n${stream}`, signal);
      let found: Chunks;
      try {
        found = await this.#store.chunks({
          run: run.run,
          generation,
          stream,
          passed,
          head,
          mailbox: this.#mailbox,
        });
        tries = 0;
      } catch (error) {
        heard.stop();
        if (!(error instanceof HoldfastError) || error.code !== 'HOLDFAST_UNAVAILABLE') throw error;
        tries += 1;
        await pause(this.#clock, Math.min(1_000, 20 * 2 ** Math.min(tries, 6)), signal);
        continue;
      }
      try {
        if (found.word === 'gen') {
          generation = found.generation;
          continue;
        }
        if (found.word === 'unknown') {
          yield undefined;
          return;
        }
        if (found.passed < passed) {
          passed = 0;
          shown.clear();
          yield { kind: 'restart', step: undefined, position: positionOf(0, '') };
        }
        for (const entry of found.entries) {
          if (signal.aborted) break;
          passed += 1;
          const read = readEntry(entry);
          head = read.head;
          const position = positionOf(passed, head);
          const isOld = !all && read.token < (found.latest.get(read.step) ?? 0);
          if (isOld) continue;
          if (read.text === undefined) {
            if (shown.has(read.step) || isResumed) yield { kind: 'restart', step: read.step, position };
          } else {
            shown.add(read.step);
            yield { kind: 'chunk', chunk: plainValue(read.text) as T, step: read.step, position };
          }
        }
        if (found.word === 'over') return;
        if (found.word === 'open') await heard.more;
      } finally {
        heard.stop(); // also when its reader stops in the middle
      }
    }
  }

  #hearing(name: string, signal: AbortSignal): { more: Promise<void>; stop: () => void } {
    const waiting = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, waiting);
    const over = new AbortController();
    const wake = (): void => {
      waiting.delete(wake);
      if (waiting.size === 0 && this.#waiting.get(name) === waiting) this.#waiting.delete(name);
      over.abort();
    };
    waiting.add(wake);
    const more = pause(this.#clock, this.#store.askAgain, signal, over.signal).then(wake);
    return { more, stop: wake };
  }
}

/** Of a chunk, or of the restart of a step: then `text` is undefined. */
function readEntry(entry: string): { head: string; token: number; step: string; text: string | undefined } {
  const end = entry.indexOf('\n');
  const head = end < 0 ? entry : entry.slice(0, end);
  const [kind, token, ...rest] = head.split(' ');
  return {
    head,
    token: Number(token),
    step: rest.at(-1) ?? '',
    text: kind === 'c' ? entry.slice(end + 1) : undefined,
  };
}

const positionOf = (passed: number, head: string): string => `${passed} ${head}`;

/** Throws MisuseError for what is no position that a reader was given. */
export function readPosition(from: unknown): Position {
  if (from === 0 || from === undefined) return { passed: 0, head: '' };
  const text = typeof from === 'string' ? from : '';
  const [, passed, head = ''] = /^(\d{1,15}) ((?:[cr] \d+ .*)?)$/.exec(text) ?? [];
  if (passed !== undefined && (passed === '0') === (head === '')) {
    return { passed: Number(passed), head };
  }
  throw new MisuseError(`from is 0, or the position of an item of the stream; got ${display(from)}.`);
}
