/**
 * Readers that share connections: each is used as if it were alone, and those of one Redis wait over one connection
 * (shared-wait.ts).
 *
 * Guarantees: the connection is opened with the first wait, and closed with the last reader.
 */
import type { Clock } from '@holdfast/kernel';
import type { Connection } from './connection.js';
import type { RedisNode } from './node.js';
import { listWaits, SharedWait, streamWaits, type WaitKind } from './shared-wait.js';
import type { StreamEntry, StreamSource } from './stream-reader.js';

/** The server at which to wait. */
export interface WaitPlace {
  /** Readers of one node share a connection. */
  readonly node: RedisNode;
  /** A connection that nobody shares, not open yet. */
  readonly connect: () => Connection;
  readonly clock: Clock;
}

interface Shared<Found> {
  readonly wait: SharedWait<Found>;
  users: number;
}

/** Something that takes elements of a list. */
export interface ListSource {
  /** Takes the first element of a list. Resolves to whether there was one: false if none has come for a while. */
  pop(list: string): Promise<boolean>;
  /** After a failure: resolves when the next call may follow. */
  recover(): Promise<void>;
  close(): void;
}

class Sharing<Found> {
  readonly #kind: WaitKind<Found>;
  readonly #interrupts: boolean;
  readonly #known = new Map<RedisNode, Shared<Found>>();

  constructor(kind: WaitKind<Found>, interrupts: boolean) {
    this.#kind = kind;
    this.#interrupts = interrupts;
  }

  use({ node, connect, clock }: WaitPlace): { wait: SharedWait<Found>; release: () => void } {
    const shared: Shared<Found> = this.#known.get(node) ?? {
      wait: new SharedWait({ kind: this.#kind, interrupts: this.#interrupts, node, connect, clock }),
      users: 0,
    };
    this.#known.set(node, shared);
    shared.users += 1;
    const release = (): void => {
      shared.users -= 1;
      if (shared.users > 0) return;
      this.#known.delete(node);
      shared.wait.close();
    };
    return { wait: shared.wait, release };
  }
}

/**
 * Readers of streams and lists that share connections. `interrupts`: whether more than one thing is waited for at a time
 * over a connection.
 */
export class SharedReaders {
  readonly #streams: Sharing<readonly StreamEntry[]>;
  readonly #lists: Sharing<string>;

  constructor(interrupts: boolean) {
    this.#streams = new Sharing(streamWaits, interrupts);
    this.#lists = new Sharing(listWaits, interrupts);
  }

  ofStreams(place: WaitPlace): StreamSource {
    const { wait, release } = this.#streams.use(place);
    const closing = closer(release);
    return {
      async read(streams, places, most) {
        const wanted = new Map(streams.map((stream, index) => [stream, places[index] ?? '0-0']));
        const found = await wait.wait(wanted, most, closing.signal);
        return streams.map((stream) => found.get(stream) ?? []);
      },
      recover: (signal) => (signal?.aborted ? Promise.resolve() : wait.recover()),
      close: closing.close,
    };
  }

  ofLists(place: WaitPlace): ListSource {
    const { wait, release } = this.#lists.use(place);
    const closing = closer(release);
    return {
      pop: async (list) => (await wait.wait(new Map([[list, '']]), 1, closing.signal)).size > 0,
      recover: () => wait.recover(),
      close: closing.close,
    };
  }
}

function closer(release: () => void): { signal: AbortSignal; close: () => void } {
  const controller = new AbortController();
  const close = (): void => {
    if (controller.signal.aborted) return;
    controller.abort();
    release();
  };
  return { signal: controller.signal, close };
}
