/**
 * Waiting at the server for many things over one connection: for elements of lists (`listWaits`), or for entries of
 * streams (`streamWaits`). What is wanted at a moment travels in one command; when something else is wanted meanwhile, the
 * command is interrupted (CLIENT UNBLOCK) and sent anew.
 *
 * Guarantees: those of a BlockingConnection. Each wait settles: with what has come, with nothing after a while, or with
 * the error of the command. An element that was taken from a list for which nobody waits any more goes back to it. Where
 * the server's user has no right to CLIENT, what cannot join a command under way waits over a connection of its own.
 */
import { type Clock, onAbort, pause } from '@holdfast/kernel';
import { BlockingConnection } from './blocking-connection.js';
import { type Argument, type BinaryReply, type Connection, type Reply, reasonOf } from './connection.js';
import type { Operation } from './group-commit.js';
import type { RedisNode } from './node.js';
import { compareIds, entriesOf, type StreamEntry } from './stream-reader.js';

/** Keys, and for each the place after which entries count; '' for a list. */
export type Wanted = ReadonlyMap<string, string>;

export interface WaitKind<Found> {
  /** The longest time for which the server is asked to wait, in ms. */
  readonly longest: number;
  /** The command, and its arguments, for at most `most` entries of each key. */
  readonly command: (wanted: Wanted, most: number) => readonly [command: string, args: readonly string[]];
  readonly read: (reply: Reply) => ReadonlyMap<string, Found>;
  /** The part of what was found that counts for a wait; undefined if none does. */
  readonly after: (found: Found, place: string, most: number) => Found | undefined;
  /** Whether what was found goes to one wait alone: the oldest. */
  readonly isForOne: boolean;
}

export const streamWaits: WaitKind<readonly StreamEntry[]> = {
  longest: 5_000,
  command: (wanted, most) => [
    'XREAD',
    ['BLOCK', '5000', 'COUNT', String(most), 'STREAMS', ...wanted.keys(), ...wanted.values()],
  ],
  read: entriesOf,
  after(found, place, most) {
    const later = found.filter(([id]) => compareIds(id, place) > 0).slice(0, most);
    return later.length > 0 ? later : undefined;
  },
  isForOne: false,
};

export const listWaits: WaitKind<string> = {
  longest: 20_000,
  command: (wanted) => ['BLPOP', [...wanted.keys(), '20']],
  read: (reply) => {
    const [key, element] = (reply ?? []) as readonly string[];
    return new Map(key === undefined ? [] : [[key, element ?? '']]);
  },
  after: (found) => found,
  isForOne: true,
};

interface SharedWaitOptions<Found> {
  /** Whether a command under way may be interrupted. If not, what cannot join it waits over a connection of its own. */
  readonly interrupts: boolean;
  readonly kind: WaitKind<Found>;
  /** A connection that nobody shares, not open yet. */
  readonly connect: () => Connection;
  /** For what is sent beside the command that waits. */
  readonly node: RedisNode;
  readonly clock: Clock;
}

interface Wait<Found> {
  readonly wanted: Wanted;
  readonly most: number;
  readonly resolve: (found: ReadonlyMap<string, Found>) => void;
  readonly reject: (error: unknown) => void;
}

/** A command under way. */
interface Flight {
  readonly wanted: Wanted;
  /** Of the connection, at the server; undefined if the server does not say. */
  readonly id: Promise<string | undefined>;
  interrupted: boolean;
}

/** Starts a microtask. */
const RESOLVED = Promise.resolve();

/** How long after an interruption that met no command the next one is sent, in ms. */
const AGAIN = 2;

export class SharedWait<Found> {
  readonly #options: SharedWaitOptions<Found>;
  readonly #blocking: BlockingConnection;
  readonly #waits = new Set<Wait<Found>>();
  #flight: Flight | undefined;
  #isRunning = false;
  #recovering: Promise<void> | undefined;
  /** For waits that cannot join: the server does not let us interrupt. */
  #overflow: SharedWait<Found> | undefined;
  #closed = false;

  constructor(options: SharedWaitOptions<Found>) {
    this.#options = options;
    this.#blocking = new BlockingConnection(options.connect(), options.clock);
  }

  /**
   * Resolves to what has come of the keys in `wanted`: to an empty map if none has for a while. Rejects when the server is
   * away or does not answer, when `signal` aborts, and once this is closed.
   */
  async wait(wanted: Wanted, most: number, signal: AbortSignal): Promise<ReadonlyMap<string, Found>> {
    const flight = this.#flight;
    if (flight && !covers(flight.wanted, wanted) && (await flight.id) === undefined) {
      if (this.#flight === flight) {
        this.#overflow ??= new SharedWait(this.#options);
        return this.#overflow.wait(wanted, most, signal);
      }
    }
    if (this.#closed || signal.aborted) throw new Error('closed');
    let leave = (): void => {};
    const found = new Promise<ReadonlyMap<string, Found>>((resolve, reject) => {
      const wait: Wait<Found> = { wanted, most, resolve, reject };
      leave = onAbort(signal, () => this.#leave(wait));
      this.#waits.add(wait);
    });
    if (this.#flight && !covers(this.#flight.wanted, wanted)) void this.#interrupt(this.#flight);
    if (!this.#isRunning) {
      this.#isRunning = true;
      void RESOLVED.then(() => this.#run());
    }
    return await found.finally(leave);
  }

  /** After a failure: resolves when the next wait may follow. */
  recover(): Promise<void> {
    this.#recovering ??= this.#blocking.recover().finally(() => {
      this.#recovering = undefined;
    });
    return this.#recovering;
  }

  close(): void {
    this.#closed = true;
    this.#blocking.close();
    this.#overflow?.close();
    this.#fail(new Error('closed'));
  }

  #leave(wait: Wait<Found>): void {
    if (this.#waits.delete(wait)) wait.reject(new Error('closed'));
  }

  async #run(): Promise<void> {
    while (this.#waits.size > 0 && !this.#closed) {
      try {
        await this.#fly();
      } catch (error) {
        this.#fail(error);
      }
      this.#flight = undefined;
    }
    this.#isRunning = false;
  }

  #fail(error: unknown): void {
    for (const wait of this.#waits) wait.reject(error);
    this.#waits.clear();
  }

  async #fly(): Promise<void> {
    const { kind } = this.#options;
    const wanted = merged(this.#waits);
    const most = Math.max(...[...this.#waits].map((wait) => wait.most));
    const [command, args] = kind.command(wanted, most);
    // Both leave together: the connection may be another one than before.
    const id = this.#options.interrupts ? this.#ownId() : Promise.resolve(undefined);
    const flight: Flight = { wanted, id, interrupted: false };
    this.#flight = flight;
    const found = kind.read(await this.#blocking.send(command, args, kind.longest));
    this.#flight = undefined;
    if (found.size === 0 && flight.interrupted) return;
    if (found.size === 0) this.#settle([...this.#waits], found);
    else this.#give(found);
  }

  /** The id of the connection; undefined if the server does not say, '' if it is away. */
  async #ownId(): Promise<string | undefined> {
    try {
      return String(await this.#blocking.send('CLIENT', ['ID'], 0));
    } catch (error) {
      return /NOPERM|unknown|not allowed/i.test(reasonOf(error)) ? undefined : '';
    }
  }

  #give(found: ReadonlyMap<string, Found>): void {
    const { kind } = this.#options;
    const orphans = new Map(found);
    for (const wait of this.#waits) {
      const parts = new Map<string, Found>();
      for (const [key, place] of wait.wanted) {
        const all = kind.isForOne ? orphans.get(key) : found.get(key);
        const part = all === undefined ? undefined : kind.after(all, place, wait.most);
        if (part === undefined) continue;
        parts.set(key, part);
        orphans.delete(key);
      }
      if (parts.size > 0) this.#settle([wait], parts);
    }
    if (!kind.isForOne) return;
    for (const [key, element] of orphans) {
      void sendOver(this.#options.node, 'RPUSH', [key, String(element)]).catch(() => {});
    }
  }

  #settle(waits: readonly Wait<Found>[], found: ReadonlyMap<string, Found>): void {
    for (const wait of waits) {
      this.#waits.delete(wait);
      wait.resolve(found);
    }
  }

  async #interrupt(flight: Flight): Promise<void> {
    if (flight.interrupted) return;
    flight.interrupted = true;
    const id = await flight.id;
    // The command may not have arrived yet.
    while (id && this.#flight === flight && !this.#closed) {
      const unblocked = await sendOver(this.#options.node, 'CLIENT', ['UNBLOCK', id]).catch(() => 0);
      if (Number(unblocked) === 1) return;
      await pause(this.#options.clock, AGAIN);
    }
  }
}

/** Whether a command under way brings what is wanted, too. */
function covers(flying: Wanted, wanted: Wanted): boolean {
  return [...wanted].every(([key, place]) => {
    const known = flying.get(key);
    return known !== undefined && (known === place || compareIds(known, place) <= 0);
  });
}

/** All that is wanted, from the earliest place of each key. */
function merged(waits: Iterable<{ readonly wanted: Wanted }>): Wanted {
  const all = new Map<string, string>();
  for (const { wanted } of waits) {
    for (const [key, place] of wanted) {
      const known = all.get(key);
      if (known === undefined || compareIds(place, known) < 0) all.set(key, place);
    }
  }
  return all;
}

/** Sends a command over a node's own connection. Rejects when the node is away. */
export async function sendOver(
  node: RedisNode,
  command: string,
  args: readonly Argument[],
): Promise<BinaryReply> {
  await node.open();
  return await new Promise<BinaryReply>((resolve, reject) => {
    node.submit<Operation<BinaryReply>, BinaryReply>(
      {
        ...{ command, binary: true, keys: [], most: 1 },
        encode: (_, __, to) => void to.push(...args),
        decode: (reply) => [reply],
      },
      { abandoned: false, settle: resolve, fail: (reason) => reject(new Error(reason)) },
    );
  });
}
