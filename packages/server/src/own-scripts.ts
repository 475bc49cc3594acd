/**
 * Calls of the server's own scripts, in the data Redis that everything else of it uses, too.
 *
 * Guarantees: those of `Caller` of @holdfast/redis: a call ends after `callTimeout` at the latest, and its UnavailableError says
 * whether it may have been carried out.
 */
import type { Clock } from '@holdfast/kernel';
import { Caller, type CallVerb, type NodeSource, type Reply, scriptFrom } from '@holdfast/redis';

const LUA = new URL('../lua/', import.meta.url);

/** Where the scripts run. */
export interface Place {
  readonly redis: NodeSource;
  readonly prefix: string;
  /** In ms. */
  readonly callTimeout: number;
  readonly clock: Clock;
}

interface Request {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

export class OwnScripts<Name extends string> {
  readonly #caller: Caller;
  readonly #verbs: Readonly<Record<Name, CallVerb<Request, Reply>>>;

  /** `key`: one of theirs, which determines the server in a Cluster. */
  constructor(
    { redis, callTimeout, clock }: Place,
    names: readonly Name[],
    { key, words }: Pick<ConstructorParameters<typeof Caller>[0], 'key' | 'words'>,
  ) {
    this.#caller = new Caller({ redis, timeout: callTimeout, clock, key, words });
    this.#verbs = Object.fromEntries(names.map((name) => [name, verbOf(name)])) as unknown as Readonly<
      Record<Name, CallVerb<Request, Reply>>
    >;
  }

  /** Throws UnavailableError; MissingRightsError for a user without the rights. */
  run(name: Name, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    return this.#caller.call(this.#verbs[name], { keys, args });
  }

  /** Ends its connection. */
  close(): void {
    this.#caller.close();
  }
}

const verbOf = (name: string): CallVerb<Request, Reply> => ({
  script: scriptFrom(LUA, name),
  keys: [],
  most: 1,
  encode({ request }, keys, args) {
    keys.push(...request.keys);
    args.push(...request.args);
  },
  decode: (reply) => [reply],
});
