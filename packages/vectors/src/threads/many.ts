/**
 * Many searches of an index, one call after the other: on threads, or on the event loop where there are none.
 *
 * Guarantees: all are answered, even if the store is replaced or the threads end meanwhile.
 */
import type { Clock } from '@holdfast/kernel';
import { Slices } from '../index/slices.js';
import type { VectorStore } from '../index/store.js';
import { compiledKernels } from '../kernel/load.js';
import { ThreadPool, type Work } from './thread-pool.js';

export class ManySearches {
  readonly #settings: { readonly threads: number; readonly plain: boolean; readonly clock: Clock };
  /** Threads over the memory of the present store. */
  #pool: ThreadPool | undefined;
  #isClosed = false;
  /** The call before. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(settings: { readonly threads: number; readonly plain: boolean; readonly clock: Clock }) {
    this.#settings = settings;
  }

  /** Waits until no thread reads the memory, and tells what was found. Called before each change. */
  settle(): void {
    this.#pool?.settle();
  }

  /** Says that another store takes the place of the one that there was. */
  replaced(): void {
    void this.#pool?.end();
    this.#pool = undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#pool?.end();
  }

  /** `present` tells the store; without one, or without vectors, nothing is asked. */
  answer(present: () => VectorStore | undefined, work: Omit<Work, 'from'>): Promise<void> {
    const run = this.#last.then(() => this.#run(present, work));
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #run(present: () => VectorStore | undefined, work: Omit<Work, 'from'>): Promise<void> {
    const slices = new Slices(this.#settings.clock);
    for (let next = 0; next < work.count; ) {
      const store = present();
      if (store === undefined || store.size === 0) return;
      const pool = this.#threads(store);
      if (pool) next = await pool.answer({ ...work, from: next });
      else {
        const { query, ask } = work.ask(next);
        work.tell(next, store.find(query, ask));
        next += 1;
      }
      await slices.next();
    }
  }

  /** Undefined if the event loop is to search. */
  #threads(store: VectorStore): ThreadPool | undefined {
    const { threads, plain } = this.#settings;
    const kernels = plain ? undefined : compiledKernels();
    if (threads === 0 || this.#isClosed || kernels === undefined) return undefined;
    this.#pool ??= new ThreadPool(store, kernels, threads);
    return this.#pool;
  }
}
