/**
 * A worker, as programs see it: a loop on each partition of the app, which share one concurrency.
 *
 * Guarantees: it has stopped when all of its loops have.
 */
import { Room } from './room.js';
import { WorkerLoop, type WorkerParts } from './worker.js';

/** Lets runs go on, until it is stopped. */
export interface Worker extends AsyncDisposable {
  /** Why it does not work, on all partitions or on one; undefined while it does. */
  readonly problem: string | undefined;
  /** Runs that it has now. */
  readonly inFlight: number;
  /** Claims no more, waits for its grace until runs end or park, and gives back the rest: they go on elsewhere at once. */
  stop(): Promise<void>;
}

/** Where a loop works: its store, and the set of loops that hear of mail there. */
export interface WorkPlace {
  readonly store: WorkerParts['store'];
  readonly declarations: WorkerParts['declarations'];
  readonly loops: Set<WorkerLoop>;
}

export class WorkerGroup implements Worker {
  readonly #loops: readonly WorkerLoop[];

  constructor(
    places: readonly WorkPlace[],
    parts: Omit<WorkerParts, 'store' | 'declarations' | 'room' | 'onStopped'>,
  ) {
    const room = new Room(parts.settings.concurrency);
    this.#loops = places.map(({ store, declarations, loops }) => {
      const loop: WorkerLoop = new WorkerLoop({
        ...parts,
        store,
        declarations,
        room,
        onStopped: () => loops.delete(loop),
      });
      loops.add(loop);
      return loop;
    });
  }

  get problem(): string | undefined {
    for (const { problem } of this.#loops) if (problem !== undefined) return problem;
    return undefined;
  }

  get inFlight(): number {
    return this.#loops.reduce((sum, loop) => sum + loop.inFlight, 0);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
