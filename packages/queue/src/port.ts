/**
 * From verbs to Redis: one connection for calls, group-committed, and one for reading that waits.
 *
 * Guarantees: a call ends after `timeout` at the latest. `UnavailableError` says whether it may have been carried out.
 * Nothing connects before the first call.
 */
import type { ConnectionOptions } from 'node:tls';
import { type Clock, type HoldfastError, MisuseError, type Random, UnavailableError } from '@holdfast/kernel';
import { connect, type NodeSource, type Operation, RedisNode, type Reply, type Verb } from '@holdfast/redis';
import { Deadlines } from './deadlines.js';
import { keysOf, type QueueKeys } from './keys.js';
import { Replicas, type ReplicasOptions } from './replicas.js';
import { scriptOf, scripts, type VerbName, verbNames } from './scripts.js';

export interface PortOptions {
  readonly redis: NodeSource;
  readonly tls: ConnectionOptions | undefined;
  readonly timeout: number;
  readonly replicas: ReplicasOptions | undefined;
  /** The names of the queue's groups, all of which are put the tasks of its. Default: none, and tasks are its own. */
  readonly groups?: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
}

/** One operation of a verb that takes several: its arguments, and its part of the reply. */
type Part = Operation<Reply> & { readonly args: readonly string[] };

/** How the reply of a verb is shared out among the operations of the batch. */
type Share = (reply: Reply, count: number) => readonly Reply[];

const WHOLE: Share = (reply) => [reply];

/** 'added <id> ...' */
const WORDS: Share = (reply) => String(reply).split(' ').slice(1);

/** {'put', word, id, ...} */
const PAIRS: Share = (reply, count) => {
  const items = reply as readonly string[];
  return Array.from({ length: count }, (_, index) => [items[2 * index + 1], items[2 * index + 2]]);
};

/** How a server says that its user may not. */
const FORBIDDEN = /NOPERM|can't run this command|no permissions|can't access/i;

export class QueuePort {
  readonly keys: QueueKeys;
  readonly clock: Clock;
  readonly random: Random;
  readonly timeout: number;
  readonly #options: PortOptions;
  readonly #node: RedisNode;
  readonly #verbs: ReadonlyMap<VerbName, Verb<Part, Reply>>;
  readonly #deadlines: Deadlines;
  readonly #shares: ReadonlyMap<VerbName, Share> = new Map([
    ['add', WORDS],
    ['put', PAIRS],
  ]);
  readonly #replicas: Replicas | undefined;
  #opening: Promise<void> | undefined;
  #loading: Promise<void> | undefined;
  #calls = 0;

  constructor(queue: string, options: PortOptions) {
    this.#options = options;
    this.keys = keysOf(queue);
    const { groups = [] } = options;
    this.clock = options.clock;
    this.random = options.random;
    this.timeout = options.timeout;
    this.#deadlines = new Deadlines(options.clock, options.timeout);
    const { redis, tls } = options;
    this.#node = new RedisNode(connect(redis, { tls, key: this.keys.of('meta'), once: true }), {
      clock: this.clock,
    });
    this.#replicas = options.replicas && new Replicas(this.#node, options.replicas);
    const put = groups.length === 0 ? this.keys.all : groups.flatMap((group) => keysOf(group).all);
    this.#verbs = new Map(
      verbNames.map((name) => {
        const keys = name === 'put' ? put : this.keys.all;
        return [name, verbOf(name, keys, this.#shares.get(name) ?? WHOLE)] as const;
      }),
    );
  }

  get address(): string {
    return this.#node.address;
  }

  /** A connection that nobody shares, closed, for commands that wait. */
  connectAlone() {
    const { redis, tls } = this.#options;
    return connect(redis, { tls, key: this.keys.of('meta'), alone: true });
  }

  /** One operation of a verb. Throws UnavailableError, MisuseError for a user without the rights. */
  async call(verb: VerbName, args: readonly string[]): Promise<Reply> {
    if (this.#loading === undefined || this.#node.unavailable !== undefined) await this.#ready();
    this.#calls += 1;
    const number = this.#calls;
    return new Promise((resolve, reject) => {
      const part = {
        // Operations on one subject do not share a call.
        subject: this.#shares.has(verb) ? String(number) : verb,
        args,
        abandoned: false,
        settled: false,
        settle: (reply: Reply) => {
          part.settled = true;
          resolve(reply);
        },
        fail: (reason: string, sent: boolean) => {
          part.settled = true;
          reject(this.#failure(reason, sent));
        },
        expire: () => {
          part.abandoned = true;
          part.fail(`did not answer within ${this.timeout} ms`, true);
        },
      };
      this.#deadlines.add(part);
      this.#node.submit(this.#verbs.get(verb) as Verb<Part, Reply>, part);
    });
  }

  get waitsForReplicas(): boolean {
    return this.#replicas !== undefined;
  }

  /** Resolves when replicas have what was answered so far. Throws UnavailableError. */
  async replicated(): Promise<void> {
    await this.#replicas?.confirm();
  }

  close(): void {
    this.#node.close();
  }

  async #ready(): Promise<void> {
    this.#opening ??= this.#node.open();
    await this.#opening;
    if (this.#node.unavailable !== undefined) return;
    // Without the scripts the first calls are repeated; that is all.
    this.#loading ??= this.#node.load(scripts).catch(() => {});
    await this.#loading;
  }

  #failure(reason: string, sent: boolean): HoldfastError {
    if (FORBIDDEN.test(reason)) {
      return new MisuseError(
        `${this.address} does not let this user do that: ${reason} The package's README lists the rights.`,
      );
    }
    const what = sent
      ? 'The queue did not answer; whether it did what was asked is not known. An add with an id may be repeated'
      : 'The queue could not be reached; nothing was done. Retry later';
    return new UnavailableError(`${what}.`, [{ node: this.address, reason }]);
  }
}

/** Operations in one call: a hundred that are under way make several, so that this process and the server work at once. */
const BATCH = 40;

function verbOf(name: VerbName, keys: readonly string[], share: Share): Verb<Part, Reply> {
  return {
    script: scriptOf(name),
    keys,
    most: BATCH,
    encode: (part, _, args) => {
      args.push(...part.args);
    },
    decode: (reply, parts) => share(reply, parts.length),
  };
}
