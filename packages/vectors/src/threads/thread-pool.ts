/**
 * Threads that search in the memory of a store, which they share: many queries in slices, each answered by whichever thread is free.
 *
 * Guarantees: a slice is answered as the index is at one moment. What a thread does not answer, its owner does.
 */

import type { Found } from '../index/memory.js';
import type { Ask, VectorStore } from '../index/store.js';
import { HEADER, LOWEST } from '../kernel/layout.js';
import { SearchThread } from './search-thread.js';
import type { SliceMessage } from './thread-code.js';

/** Queries of a slice: some milliseconds. */
const SLICE = 16;

export interface Asked {
  /** In turned space. */
  readonly query: Float32Array;
  readonly ask: Ask;
}

export interface Work {
  /** The queries from `from` on, up to `count`. */
  readonly from: number;
  readonly count: number;
  /** What is asked now; of all queries of a slice all is equal but `least`. */
  ask(at: number): Asked;
  /** Is told at once what was found, before anything changes. */
  tell(at: number, found: readonly Found[]): void;
}

export class ThreadPool {
  readonly #store: VectorStore;
  readonly #threads: { readonly thread: SearchThread; region: { at: number; bytes: number } }[];

  #isEnded = false;

  constructor(store: VectorStore, module: object, count: number) {
    this.#store = store;
    this.#threads = Array.from({ length: count }, () => ({
      thread: new SearchThread(module, store.memory.shared),
      region: { at: 0, bytes: 0 },
    }));
  }

  /** Waits until no thread reads the memory, and tells what was found. Called before each change. */
  settle(): void {
    for (const { thread } of this.#threads) thread.settle();
  }

  /** Begins no slice any more, and ends the threads. */
  async end(): Promise<void> {
    this.settle();
    this.#isEnded = true;
    await Promise.all(this.#threads.map(({ thread }) => thread.end()));
  }

  /** Resolves when all was told, or when it was ended: with the first query that was not told. */
  async answer(work: Work): Promise<number> {
    let next = work.from;
    const results = await Promise.allSettled(
      this.#threads.map(async (each) => {
        await each.thread.ready();
        while (next < work.count && !this.#isEnded) {
          const from = next;
          next = Math.min(work.count, from + SLICE);
          const asked = Array.from({ length: next - from }, (_, i) => work.ask(from + i));
          await this.#slice(each, asked, (i, found) => work.tell(from + i, found));
        }
      }),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return next;
  }

  async #slice(
    each: { readonly thread: SearchThread; region: { at: number; bytes: number } },
    asked: readonly Asked[],
    tell: (i: number, found: readonly Found[]) => void,
  ): Promise<void> {
    const [first] = asked;
    if (each.thread.isGone || first?.ask.among?.count === 0) {
      asked.forEach(({ query, ask }, i) => {
        tell(i, this.#store.find(query, ask));
      });
      return;
    }
    const message = this.#write(each, asked);
    await each.thread.run(message, (isDone) => {
      asked.forEach(({ query, ask }, i) => {
        const at = message.results + 4 * i * (1 + 2 * message.k);
        const { memory } = this.#store;
        tell(i, isDone ? memory.pairs(at + 4, memory.words[at / 4]!) : this.#store.find(query, ask));
      });
    });
  }

  /** Writes the queries where the thread finds them, and what else it needs. */
  #write(each: { region: { at: number; bytes: number } }, asked: readonly Asked[]): SliceMessage {
    const { memory } = this.#store;
    const { dimensions } = memory.shape;
    const [{ ask }] = asked as [Asked];
    const { among } = ask;
    const listed = ask.isAll ? among?.slots : undefined;
    const sizes = {
      scratch: memory.lists.scratchBytes,
      queries: 4 * SLICE * dimensions,
      bounds: 4 * SLICE,
      results: 4 * SLICE * (1 + 2 * ask.k),
      masks: among && !listed ? memory.maskBytes : 0,
      slots: 4 * (listed?.length ?? 0),
    };
    const bytes = Object.values(sizes).reduce((sum, size) => sum + size + 64, 0);
    if (each.region.bytes < bytes) {
      const room = Math.ceil(1.25 * bytes);
      each.region = { at: memory.take(room), bytes: room };
    }
    let at = each.region.at;
    const place = (size: number): number => {
      const begin = at;
      at = Math.ceil((at + size) / 64) * 64;
      return begin;
    };
    const [scratch, queries, bounds] = [place(sizes.scratch), place(sizes.queries), place(sizes.bounds)];
    const [results, masks, slots] = [place(sizes.results), place(sizes.masks), place(sizes.slots)];
    asked.forEach(({ query, ask: { least, slack } }, i) => {
      const square = this.#store.writeAt(queries + 4 * i * dimensions, query);
      const bound = least === undefined ? LOWEST : least - slack * memory.scoreScale(square);
      memory.floats[bounds / 4 + i] = bound;
    });
    if (among && !listed) memory.writeMask(masks, among);
    if (listed) memory.words.set(listed, slots / 4);
    return {
      ...{ header: HEADER, end: at, dimensions, scratch, count: asked.length, queries, bounds, results },
      ...{ k: ask.k, lists: ask.lists, masks: sizes.masks > 0 ? masks : 0 },
      ...{ slots, among: listed?.length ?? 0 },
    };
  }
}
