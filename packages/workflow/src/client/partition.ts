/**
 * One partition of an app, as this process uses it: its store, the ends that are waited for there, the streams that are read, and the loops of its
 * workers. One mailbox carries bells, mail for runs, and ends.
 */
import type { Clock } from '@holdfast/kernel';
import { Declarations } from '../store/declarations.js';
import type { Store } from '../store/store.js';
import type { WorkerLoop } from '../worker/worker.js';
import { Asks } from './asks.js';
import { StreamReaders } from './stream-readers.js';
import { Waits } from './waits.js';

export class Partition {
  readonly store: Store;
  readonly waits: Waits;
  readonly readers: StreamReaders;
  readonly declarations: Declarations;
  readonly asks: Asks;
  /** To which ends, answers and bells are told. */
  readonly mailbox: string;
  readonly loops = new Set<WorkerLoop>();
  #listening: Promise<void> | undefined;
  /** Whether the mailbox listens, or is about to. */
  isListening = false;

  constructor(
    { store, clock, mailbox }: { store: Store; clock: Clock; mailbox: string },
    place: { readonly index: number; readonly partitions: number },
  ) {
    this.store = store;
    this.declarations = new Declarations(store, place);
    this.mailbox = mailbox;
    this.waits = new Waits({ store, clock, mailbox });
    this.asks = new Asks({ store, clock });
    this.readers = new StreamReaders({ store, clock, mailbox });
  }

  /** Resolves when the mailbox listens, or when that has failed. */
  listen(): Promise<void> {
    this.#listening ??= this.#listen();
    return this.#listening;
  }

  #listen(): Promise<void> {
    return this.store
      .listen(this.mailbox, {
        onMail: (text) => {
          this.waits.hear(text);
          this.readers.hear(text);
          this.asks.hear(text);
          for (const loop of this.loops) loop.hear(text);
        },
        onListening: () => {
          this.waits.askAgain();
          this.readers.askAgain();
          this.asks.askAgain();
          for (const loop of this.loops) loop.wakeAll();
        },
      })
      .then(
        () => {
          this.isListening = true;
        },
        () => {
          this.#listening = undefined;
        },
      );
  }
}
