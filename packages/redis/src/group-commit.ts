/**
 * Group commit: operations that start in the same turn of the event loop travel to a node as one script call per verb.
 *
 * Guarantees: with little in flight an operation goes out at once, in the same turn. With more in flight it goes out as
 * soon as the input that has already arrived is handled, so it never waits for an answer. Operations on
 * one subject reach the node in the order in which they were submitted. Every operation is settled exactly once,
 * unless its call is never answered; the submitter watches the time.
 */
import type { Clock } from '@holdfast/kernel';
import { type Argument, type BinaryReply, type Connection, type Reply, reasonOf } from './connection.js';
import {
  isForbiddenFunction,
  isUnknownFunction,
  isUnknownScript,
  type Script,
  type ScriptLibrary,
} from './script.js';

/** One caller's part of a batch. */
export interface Operation<Result> {
  /** The subject of the operation; operations on one subject keep their order. Default: a subject of its own. */
  readonly subject?: string;
  /** True when nobody waits for the answer any more: the operation is then not sent a second time. */
  readonly abandoned: boolean;
  settle(result: Result): void;
  /** The node gave no answer. `sent` tells whether the operation may have been carried out all the same. */
  fail(reason: string, sent: boolean): void;
}

interface VerbParts {
  /** KEYS that appear once, before those of the operations. */
  readonly keys: readonly string[];
  /** The most operations that one call carries out. Default 128, which keeps the server from others for about 1 ms. */
  readonly most?: number;
}

/** A script that carries out any number of operations of one kind in one call. */
export interface Verb<Op extends Operation<Result>, Result> extends VerbParts {
  readonly script: Script;
  readonly command?: undefined;
  readonly binary?: false;
  encode(operation: Op, keys: string[], args: string[]): void;
  /** One result for each operation, in order. Throws if the reply is not the script's. */
  decode(reply: Reply, operations: readonly Op[]): readonly Result[];
}

/** A verb whose arguments may be any bytes, and which reads the texts of the reply as bytes. */
export interface BinaryVerb<Op extends Operation<Result>, Result> extends BinaryParts<Op, Result> {
  readonly script: Script;
  readonly command?: undefined;
}

/** A plain command of Redis that carries out any number of operations, such as MGET: its keys and arguments follow it. */
export interface BinaryCommand<Op extends Operation<Result>, Result> extends BinaryParts<Op, Result> {
  readonly script?: undefined;
  readonly command: string;
}

interface BinaryParts<Op extends Operation<Result>, Result> extends VerbParts {
  readonly binary: true;
  encode(operation: Op, keys: string[], args: Argument[]): void;
  /** One result for each operation, in order. Throws if the reply is not the script's. */
  decode(reply: BinaryReply, operations: readonly Op[]): readonly Result[];
}

/** With fewer calls than this in flight, an operation goes out at once; with more, waiting for company pays. */
const FEW = 2;

const LARGEST_BATCH = 128;

// biome-ignore lint/suspicious/noExplicitAny: a queue holds operations of every verb; submit() ties each to its own.
type AnyVerb = Verb<any, any> | BinaryVerb<any, any> | BinaryCommand<any, any>;
type AnyOperation = Operation<unknown>;

/** Starts a microtask: unlike queueMicrotask, without an AsyncResource, which costs as much as the rest of a submit. */
const RESOLVED = Promise.resolve();

/** How a script is called: as a function of a loaded library, by its digest, or whole. */
type Way = 'FCALL' | 'EVALSHA' | 'EVAL';

function named(script: Script, how: Way, takesFlags: boolean): string {
  if (how === 'FCALL') return script.functionName;
  const { digest, text } = script.evaluated(takesFlags);
  return how === 'EVALSHA' ? digest : text;
}

export class GroupCommit {
  readonly #connection: Connection;
  readonly #clock: Clock;
  /** The first operation of the turn. It mostly stays alone, so the group below is built only for a second one. */
  #first: AnyOperation | undefined;
  #verbOfFirst: AnyVerb | undefined;
  #group: Map<AnyVerb, AnyOperation[]> | undefined;
  readonly #subjects = new Set<string>();
  /** The libraries that the server has, as far as we know. */
  readonly #libraries = new Set<ScriptLibrary>();
  /** Whether the server is known to take flags of scripts: it has functions, but does not let us load or call them. */
  takesFlags = false;
  #scheduled = false;
  /** Script calls that the node has not answered. */
  #inFlight = 0;
  /** Script calls that the node has answered, in all. */
  #answered = 0;
  readonly #turn = (): void => {
    this.#scheduled = false;
    this.#flush();
  };

  readonly #onForgotten: () => void;

  /** `onForgotten` is called when the server lacks a script that it should have, as after a restart. */
  constructor(connection: Connection, clock: Clock, onForgotten: () => void) {
    this.#connection = connection;
    this.#clock = clock;
    this.#onForgotten = onForgotten;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get answered(): number {
    return this.#answered;
  }

  submit<Op extends Operation<Result>, Result>(
    verb: Verb<Op, Result> | BinaryVerb<Op, Result> | BinaryCommand<Op, Result>,
    operation: Op,
  ): void {
    this.#enqueue(verb, operation as AnyOperation);
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (this.#inFlight < FEW) void RESOLVED.then(this.#turn);
    else this.#clock.afterInput(this.#turn);
  }

  #enqueue(verb: AnyVerb, operation: AnyOperation): void {
    const { subject } = operation;
    if (subject !== undefined && this.#isQueued(subject)) this.#flush();
    if (this.#first === undefined || this.#verbOfFirst === undefined) {
      this.#first = operation;
      this.#verbOfFirst = verb;
      return;
    }
    if (this.#group === undefined) {
      this.#group = new Map();
      this.#join(this.#verbOfFirst, this.#first, this.#group);
    }
    this.#join(verb, operation, this.#group);
  }

  #isQueued(subject: string): boolean {
    return this.#first?.subject === subject || this.#subjects.has(subject);
  }

  #join(verb: AnyVerb, operation: AnyOperation, group: Map<AnyVerb, AnyOperation[]>): void {
    if (operation.subject !== undefined) this.#subjects.add(operation.subject);
    const queued = group.get(verb);
    if (queued) queued.push(operation);
    else group.set(verb, [operation]);
  }

  #flush(): void {
    const first = this.#first;
    const verb = this.#verbOfFirst;
    const group = this.#group;
    if (first === undefined || verb === undefined) return;
    this.#first = undefined;
    this.#verbOfFirst = undefined;
    if (group === undefined) {
      this.#call(verb, [first]);
      return;
    }
    this.#group = undefined;
    this.#subjects.clear();
    for (const [verb, operations] of group) {
      const { most = LARGEST_BATCH } = verb;
      for (let start = 0; start < operations.length; start += most) {
        this.#call(verb, operations.slice(start, start + most));
      }
    }
  }

  #call(verb: AnyVerb, operations: readonly AnyOperation[], how = this.#way(verb)): void {
    let sending: Promise<Reply | BinaryReply>;
    try {
      const keys = [...verb.keys];
      const values: string[] = [];
      for (const operation of operations) verb.encode(operation, keys, values);
      sending = this.#send(verb, how, keys, values);
    } catch (error) {
      // Nothing was sent. Thrown on, it would reach nobody, and these operations would never be settled.
      for (const operation of operations) operation.fail(reasonOf(error), false);
      return;
    }
    this.#inFlight += 1;
    sending.then(
      (reply) => {
        this.#settled();
        this.#deliver(verb, operations, reply);
      },
      (error: unknown) => {
        this.#settled();
        if (how === 'FCALL' && isUnknownFunction(error)) {
          this.has(verb.script?.library, false);
          if (isForbiddenFunction(error)) this.takesFlags = true;
          this.#onForgotten();
          this.#repeat(verb, operations, 'EVALSHA');
        } else if (how === 'EVALSHA' && isUnknownScript(error)) {
          this.#onForgotten();
          this.#repeat(verb, operations, 'EVAL');
        } else {
          for (const operation of operations) operation.fail(reasonOf(error), true);
        }
      },
    );
  }

  #send(
    verb: AnyVerb,
    how: Way,
    keys: readonly string[],
    values: readonly string[],
  ): Promise<Reply | BinaryReply> {
    if (verb.command !== undefined) return this.#connection.sendBinary(verb.command, [...keys, ...values]);
    const args = [named(verb.script, how, this.takesFlags), String(keys.length), ...keys, ...values];
    return verb.binary ? this.#connection.sendBinary(how, args) : this.#connection.send(how, args);
  }

  /** Notes whether the server has a library. */
  has(library: ScriptLibrary | undefined, present: boolean): void {
    if (library && present) this.#libraries.add(library);
    else if (library) this.#libraries.delete(library);
  }

  #way({ script }: AnyVerb): Way {
    // A command is sent as it is, as a script is that is sent whole.
    if (script === undefined) return 'EVAL';
    const { library } = script;
    return library && this.#libraries.has(library) ? 'FCALL' : 'EVALSHA';
  }

  #settled(): void {
    this.#inFlight -= 1;
    this.#answered += 1;
  }

  /**
   * Sends again in another way, but only operations still wanted: a release may have overtaken an abandoned acquire.
   */
  #repeat(verb: AnyVerb, operations: readonly AnyOperation[], how: Way): void {
    const wanted = operations.filter((operation) => !operation.abandoned);
    if (wanted.length > 0) this.#call(verb, wanted, how);
  }

  #deliver(verb: AnyVerb, operations: readonly AnyOperation[], reply: Reply | BinaryReply): void {
    let results: readonly unknown[];
    try {
      results = verb.decode(reply as never, operations);
    } catch (error) {
      for (const operation of operations) operation.fail(reasonOf(error), true);
      return;
    }
    operations.forEach((operation, index) => {
      operation.settle(results[index]);
    });
  }
}
