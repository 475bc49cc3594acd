/**
 * The keys of rows, looked through for several partitions at once: those that want them at about the same time share one look
 * through the keys of their server.
 *
 * Guarantees: each partition is given every key of its own that is there from when it is asked for to the end. The look goes on as
 * fast as the slowest of them takes what is found; one that leaves holds up none. Where a server fails, only its partitions do.
 */
import { type Clock, onAbort, pause } from '@holdfast/kernel';
import type { Partition } from './partition.js';
import { type FoundKeys, keysOnServer, serverOf } from './scan.js';

/** How long others may come before a look begins, in ms. */
const GATHERS_FOR = 50;

export class SharedScan {
  readonly #generation: string;
  readonly #clock: Clock;
  /** Those for which no look has begun. */
  #waiting: Taker[] = [];

  /** Of a generation, "<view>.<generation>". */
  constructor(generation: string, clock: Clock) {
    this.#generation = generation;
    this.#clock = clock;
  }

  /** The keys of a partition. It ends early once `signal` has aborted. Throws UnavailableError. */
  async *keys(partition: Partition, signal: AbortSignal): AsyncGenerator<FoundKeys> {
    const taker = new Taker(partition);
    this.#add(taker);
    const ignore = onAbort(signal, () => taker.leave());
    if (signal.aborted) taker.leave();
    try {
      for (let found = await taker.take(); found !== undefined; found = await taker.take()) yield found;
    } finally {
      ignore();
      taker.leave();
    }
  }

  #add(taker: Taker): void {
    this.#waiting.push(taker);
    if (this.#waiting.length > 1) return;
    void pause(this.#clock, GATHERS_FOR).then(() => {
      const takers = this.#waiting.filter(({ hasLeft }) => !hasLeft);
      this.#waiting = [];
      return this.#begin(takers);
    });
  }

  async #begin(takers: readonly Taker[]): Promise<void> {
    const byServer = new Map<string, Taker[]>();
    const placing = takers.map(async (taker) => {
      const server = await serverOf(taker.partition);
      byServer.set(server, [...(byServer.get(server) ?? []), taker]);
    });
    const placed = await Promise.allSettled(placing);
    for (const [place, each] of placed.entries())
      if (each.status === 'rejected') takers[place]?.fail(each.reason);
    await Promise.all([...byServer.values()].map((there) => this.#look(there)));
  }

  async #look(takers: readonly Taker[]): Promise<void> {
    const of = new Map(takers.map((taker) => [taker.partition, taker]));
    try {
      for await (const found of keysOnServer([...of.keys()], this.#generation)) {
        await of.get(found.partition)?.give(found);
        if (takers.every(({ hasLeft }) => hasLeft)) return;
      }
      for (const taker of takers) taker.end();
    } catch (error) {
      for (const taker of takers) taker.fail(error);
    }
  }
}

/** One partition's part of a look: what was found for it and not taken yet. */
class Taker {
  readonly partition: Partition;
  hasLeft = false;
  #found: FoundKeys | undefined;
  #end: { readonly error: unknown } | undefined;
  #wake = (): void => {};

  constructor(partition: Partition) {
    this.partition = partition;
  }

  /** Resolves once what was given before was taken. */
  async give(found: FoundKeys): Promise<void> {
    while (this.#found !== undefined && !this.hasLeft) await this.#change();
    this.#found = found;
    this.#wake();
  }

  /** Undefined at the end, or once it has left. */
  async take(): Promise<FoundKeys | undefined> {
    while (this.#found === undefined && this.#end === undefined && !this.hasLeft) await this.#change();
    if (this.hasLeft) return undefined;
    const found = this.#found;
    this.#found = undefined;
    this.#wake();
    if (found === undefined && this.#end?.error !== undefined) throw this.#end.error;
    return found;
  }

  end(): void {
    this.#end ??= { error: undefined };
    this.#wake();
  }

  fail(error: unknown): void {
    this.#end ??= { error };
    this.#wake();
  }

  leave(): void {
    this.hasLeft = true;
    this.#wake();
  }

  /** Resolves with the next change. Of give and take, one waits at a time: there is something to take, or there is not. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
