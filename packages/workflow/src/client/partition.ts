/**
 * One partition of an app, as this process uses it: its store, the ends that are waited for there, and the loops of its
 * workers. One mailbox carries bells, mail for runs, and ends.
 */
import type { Clock } from '@holdfast/kernel';
import type { Store } from '../store/store.js';
import type { WorkerLoop } from '../worker/worker.js';
import { Waits } from './waits.js';

export class Partition {
  readonly store: Store;
  readonly waits: Waits;
  readonly loops = new Set<WorkerLoop>();
  readonly #mailbox: string;
  #listening: Promise<void> | undefined;

  constructor({ store, clock, mailbox }: { store: Store; clock: Clock; mailbox: string }) {
    this.store = store;
    this.#mailbox = mailbox;
    this.waits = new Waits({ store, clock, mailbox });
  }

  /** Resolves when the mailbox listens, or when that has failed. */
  listen(): Promise<void> {
    this.#listening ??= this.store
      .listen(this.#mailbox, {
        onMail: (text) => {
          this.waits.hear(text);
          for (const loop of this.loops) loop.hear(text);
        },
        onListening: () => {
          this.waits.askAgain();
          for (const loop of this.loops) loop.wakeAll();
        },
      })
      .catch(() => {
        this.#listening = undefined;
      });
    return this.#listening;
  }
}
