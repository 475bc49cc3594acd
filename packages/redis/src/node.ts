/**
 * One Redis node: its connection, its group commit, which server answers there, and whether it answers at all.
 *
 * Guarantees: a node that has owed an answer for longer than its patience is *silent*: operations that can be refused
 * fail at once instead of piling up in a socket, until it answers again. A stall of this process is not mistaken for
 * silence of the node. A connection of our own that has been useless for long is restarted. Nothing here keeps the
 * process alive except the connection itself.
 */
import { type Clock, requireDuration, systemClock, type Timer, within } from '@holdfast/kernel';
import { type Connection, type Listener, type Reply, reasonOf } from './connection.js';
import {
  type BinaryCommand,
  type BinaryVerb,
  GroupCommit,
  type Operation,
  type Verb,
} from './group-commit.js';
import {
  evaluate,
  isForbiddenFunction,
  isFull,
  isRefusedLibrary,
  type Script,
  type ScriptLibrary,
} from './script.js';

/** Libraries of which this process has warned. */
const warned = new WeakSet<ScriptLibrary>();

/** How many times its patience a connection may be useless before it is restarted. */
const RESTART_AFTER = 10;

export interface RedisNodeOptions {
  /**
   * Milliseconds without any answer after which the node counts as silent; after ten times that, its connection is
   * restarted, because it may be half-open. Default 1000.
   */
  readonly patience?: number;
  readonly clock?: Clock;
}

/** Facts from a server's INFO. */
export interface ServerInfo {
  readonly runId: string;
  readonly version: string;
  readonly maxmemoryPolicy: string;
}

export class RedisNode {
  readonly address: string;
  /** The `run_id` of the server that answered last; changes when it restarts or another takes its place. */
  runId: string | undefined;
  readonly #connection: Connection;
  readonly #commits: GroupCommit;
  readonly #clock: Clock;
  readonly #patience: number;
  #opening: Promise<void> | undefined;
  #watch: Timer | undefined;
  readonly #scripts = new Set<Script>();
  #reloading = false;
  readonly #subscriptions = new Set<{ close(): void }>();
  #closed = false;
  /** The count of answers at which the node was found silent. */
  #silentAt: number | undefined;
  /** How many times in a row the node was found silent or away. */
  #useless = 0;

  constructor(connection: Connection, options: RedisNodeOptions = {}) {
    this.address = connection.address;
    this.#connection = connection;
    this.#clock = options.clock ?? systemClock;
    this.#patience = requireDuration('patience', options.patience ?? 1_000, { min: 1 });
    this.#commits = new GroupCommit(connection, this.#clock, () => void this.#reload());
  }

  /** Why an operation would fail at once; undefined when it would be sent. */
  get unavailable(): string | undefined {
    return this.#connection.unready ?? this.#silence;
  }

  get #silence(): string | undefined {
    if (this.#silentAt !== this.#commits.answered) return undefined;
    return `connected, but has not answered for more than ${this.#patience} ms`;
  }

  /** Starts connecting; resolves when the first try has ended. Throws MisuseError if no client is installed. */
  open(): Promise<void> {
    this.#opening ??= this.#connection.open();
    return this.#opening;
  }

  /** Submits an operation to the group commit. One that is not `urgent` fails at once on a silent node. */
  submit<Op extends Operation<Result>, Result>(
    verb: Verb<Op, Result> | BinaryVerb<Op, Result> | BinaryCommand<Op, Result>,
    operation: Op,
    urgent = false,
  ): void {
    if (this.#watch === undefined) this.#watchOver();
    const reason = urgent ? this.#connection.unready : this.unavailable;
    if (reason !== undefined) operation.fail(reason, false);
    else this.#commits.submit(verb, operation);
  }

  /**
   * Runs a script on its own, outside the group commit. Rejects when the node is away, does not answer within `timeout`
   * ms, or the script fails.
   */
  async run(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
    timeout: number,
  ): Promise<Reply> {
    const reason = this.#connection.unready;
    if (reason !== undefined) throw new Error(reason);
    const reply = evaluate(this.#connection, script.evaluated(this.#commits.takesFlags), keys, args);
    return within(this.#clock, timeout, reply, `did not answer within ${timeout} ms`);
  }

  /**
   * Loads scripts into the server, so that the first call needs no repetition: as a library of functions if the server
   * takes one, otherwise one by one. Does so again, with all scripts that were ever given, when the server turns out to
   * have forgotten them.
   */
  async load(scripts: readonly Script[]): Promise<void> {
    for (const script of scripts) this.#scripts.add(script);
    const present = new Map<ScriptLibrary | undefined, boolean>();
    for (const { library } of scripts) {
      if (library && !present.has(library)) present.set(library, await this.#loadLibrary(library));
    }
    for (const script of scripts) {
      if (present.get(script.library)) continue;
      const { text } = script.evaluated(this.#commits.takesFlags);
      await this.#connection.send('SCRIPT', ['LOAD', text]);
    }
  }

  /** Operations that find a script missing are repeated, but late: without this a node could stay behind for good. */
  async #reload(): Promise<void> {
    if (this.#reloading || this.#scripts.size === 0) return;
    this.#reloading = true;
    await this.load([...this.#scripts]).catch(() => {}); // the next operation will try again
    this.#reloading = false;
  }

  /** Loads a library. Resolves to whether the server has it now. */
  async #loadLibrary(library: ScriptLibrary): Promise<boolean> {
    const loaded = this.#connection.send('FUNCTION', ['LOAD', library.text]).then(
      () => true,
      // A library's name identifies its contents: an existing one is the same. Any other error means scripts.
      (error: unknown) => {
        this.#commits.takesFlags = isForbiddenFunction(error) || isFull(error);
        if (isRefusedLibrary(error)) this.#warnOf(library, error);
        return reasonOf(error).includes('already exists');
      },
    );
    const present = await loaded;
    this.#commits.has(library, present);
    return present;
  }

  /** Scripts do the same, but slower, and nobody would notice: so this is said once for each library. */
  #warnOf(library: ScriptLibrary, error: unknown): void {
    if (warned.has(library)) return;
    warned.add(library);
    process.emitWarning(
      `The server at ${this.address} does not take the functions ${library.name} (${reasonOf(error)}); scripts do their work instead, more slowly. Unless the server was overloaded, this is a mistake in Holdfast: please report it.`,
      { type: 'HoldfastWarning', code: 'HOLDFAST_FUNCTIONS_REFUSED' },
    );
  }

  /**
   * Waits until `count` replicas have everything that was written over this connection, or for `timeout` ms; resolves
   * to how many have it. Commands that are sent meanwhile wait behind it. Rejects when the node is away.
   */
  async replicated(count: number, timeout: number): Promise<number> {
    const reply = this.#connection.send('WAIT', [String(count), String(timeout)]);
    const most = timeout + this.#patience;
    return Number(await within(this.#clock, most, reply, `did not answer within ${most} ms`));
  }

  /**
   * Listens on a channel of this node, from the moment that it can be reached, until `close` of the node or of what it
   * resolves to.
   */
  async listen(channel: string, listener: Listener): Promise<{ close(): void }> {
    await this.open();
    if (this.#closed) return { close: () => {} };
    const subscription = this.#connection.listen(channel, listener);
    this.#subscriptions.add(subscription);
    return {
      close: () => {
        if (this.#subscriptions.delete(subscription)) subscription.close();
      },
    };
  }

  /**
   * Looks at some more keys, and resolves to those that fit the pattern and the cursor with which to go on, "0" at the end.
   * Rejects when the node is away, does not answer within `timeout` ms, or forbids SCAN.
   */
  async scan(
    cursor: string,
    pattern: string,
    { count, timeout }: { readonly count: number; readonly timeout: number },
  ): Promise<{ readonly cursor: string; readonly keys: readonly string[] }> {
    const sent = this.#connection.send('SCAN', [cursor, 'MATCH', pattern, 'COUNT', String(count)]);
    const reply = await within(this.#clock, timeout, sent, `did not answer within ${timeout} ms`);
    const [next, keys] = reply as readonly [string, readonly string[]];
    return { cursor: String(next), keys };
  }

  /** Asks the server about itself. Rejects when it does not answer or forbids INFO. */
  async info(): Promise<ServerInfo> {
    const text = String(await this.#connection.send('INFO', []));
    const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? '';
    this.runId = field('run_id');
    return {
      runId: this.runId,
      version: field('redis_version'),
      maxmemoryPolicy: field('maxmemory_policy'),
    };
  }

  close(): void {
    this.#closed = true;
    this.#watch?.cancel();
    for (const subscription of this.#subscriptions) subscription.close();
    this.#connection.close();
  }

  #watchOver(): void {
    const answered = this.#commits.answered;
    this.#watch = this.#clock.after(
      this.#patience,
      // The answer may have arrived while this process stood still: look at the input first.
      () => this.#clock.afterInput(() => this.#judge(answered)),
      { keepAlive: false },
    );
  }

  #judge(answeredBefore: number): void {
    this.#watch = undefined;
    const { answered, inFlight } = this.#commits;
    const away = this.#connection.unready !== undefined;
    const silent = inFlight > 0 && answered === answeredBefore;
    if (silent) this.#silentAt = answered;
    this.#useless = away || silent ? this.#useless + 1 : 0;
    if (this.#useless === RESTART_AFTER) {
      this.#useless = 0;
      this.#connection.restart();
    }
    if (inFlight > 0) this.#watchOver();
  }
}
