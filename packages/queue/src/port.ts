/**
 * From a queue to its Redis: one connection for calls of its verbs, and one for each reading that waits.
 *
 * Guarantees: those of a Caller. Nothing connects before the first call.
 */
import type { ConnectionOptions } from 'node:tls';
import type { Clock, Random } from '@holdfast/kernel';
import { Caller, type CallVerb, connect, type NodeSource, type ReplicasOptions } from '@holdfast/redis';
import { keysOf, type QueueKeys } from './keys.js';
import { scripts } from './scripts.js';
import type { QueueVerb } from './verbs.js';

export interface PortOptions {
  readonly redis: NodeSource;
  readonly tls: ConnectionOptions | undefined;
  readonly timeout: number;
  readonly replicas: ReplicasOptions | undefined;
  /** The names of the queue's groups, to each of which a task is added. Default: none; tasks are the queue's own. */
  readonly groups?: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
}

export class QueuePort {
  readonly keys: QueueKeys;
  readonly clock: Clock;
  readonly random: Random;
  readonly #options: PortOptions;
  readonly #caller: Caller;
  /** With the keys of this queue. */
  // biome-ignore lint/suspicious/noExplicitAny: verbs of every kind; #verb() ties each to its own.
  readonly #verbs = new Map<QueueVerb<any, any>, CallVerb<any, any>>();

  constructor(queue: string, options: PortOptions) {
    this.#options = options;
    this.keys = keysOf(queue);
    this.clock = options.clock;
    this.random = options.random;
    const { redis, tls, timeout, replicas, clock } = options;
    this.#caller = new Caller({
      ...{ redis, tls, timeout, replicas, clock, scripts },
      key: this.keys.of('meta'),
      words: {
        subject: `The queue "${queue}"`,
        unknown: 'An add with an id may be repeated',
        unreplicated:
          'The task is added, but too few replicas are known to have it, so a failover may lose it. An add with an id may be repeated',
        closed: 'create another with createQueue()',
      },
    });
  }

  /** A connection that nobody shares, closed, for commands that wait. */
  connectAlone() {
    const { redis, tls } = this.#options;
    return connect(redis, { tls, key: this.keys.of('meta'), alone: true });
  }

  /** Throws UnavailableError; MisuseError for a user without the rights, and once it is closed. */
  call<Request, Result>(verb: QueueVerb<Request, Result>, request: Request): Promise<Result> {
    return this.#caller.call(this.#verb(verb), request);
  }

  get waitsForReplicas(): boolean {
    return this.#caller.waitsForReplicas;
  }

  /** Resolves when replicas have what was answered so far. Throws UnavailableError. */
  replicated(): Promise<void> {
    return this.#caller.replicated();
  }

  close(): void {
    this.#caller.close();
  }

  #verb<Request, Result>(verb: QueueVerb<Request, Result>): CallVerb<Request, Result> {
    const known = this.#verbs.get(verb);
    if (known) return known;
    const { groups = [] } = this.#options;
    const { script, most, acrossGroups, encode, decode } = verb;
    const everywhere = acrossGroups === true && groups.length > 0;
    const made: CallVerb<Request, Result> = {
      script,
      keys: everywhere ? groups.flatMap((group) => keysOf(group).all) : this.keys.all,
      most,
      encode: ({ request }, _, args) => {
        args.push(...encode(request));
      },
      decode,
    };
    this.#verbs.set(verb, made);
    return made;
  }
}
