/**
 * A model of one Redis server: the commands and the scripting that Holdfast uses, as Redis 7.0 does them, and vector sets as Redis 8.0
 * does.
 *
 * Guarantees: while a command or a script is carried out, its time stands still. Libraries of functions live as long as
 * the process, and come back with the data; scripts are forgotten at a restart. What the model does not know is refused
 * as Redis would refuse it, or by an error that says so. `npm run simulate -- model` compares it with a real server.
 */
import { createHash } from 'node:crypto';
import { compile, type RedisFunctions } from '../lua/compile.js';
import { first, LuaError, type LuaFunction, Multi, Table, toText, type Value } from '../lua/values.js';
import { commands } from './commands.js';
import { type Running, requireFlag, requireRoom } from './full.js';
import { Keyspace, type Stored } from './keyspace.js';
import { type Reply, ServerError } from './reply.js';
import { fromLua, named, toArguments, toInput, toLua } from './scripting.js';

export interface ServerOptions {
  /** This server's clock, in microseconds since 1970. */
  readonly time: () => number;
  /** 40 hexadecimal digits that nobody has had. */
  readonly name: () => string;
  /** Returns to how many it was delivered. */
  readonly publish: (channel: string, message: string) => number;
  /** Whether another server may take its place, or has given it its own. Default false. */
  readonly failsOver?: boolean | undefined;
  /** How many listen on a channel. */
  readonly listening: (channel: string) => number;
}

/** What is on a disk. */
export interface Snapshot {
  readonly keys: Keyspace;
  readonly libraries: ReadonlyMap<string, string>;
}

export interface Dumped {
  readonly type: Stored['type'];
  readonly value: Stored['value'];
  /** In ms since 1970. */
  readonly expires: number | undefined;
}

/** How many arguments the commands take that concern the server. */
const ARITIES: Readonly<Record<string, { least: number; most?: number }>> = {
  TIME: { least: 0, most: 0 },
  PUBLISH: { least: 2, most: 2 },
  PUBSUB: { least: 1 },
  EVAL: { least: 2 },
  EVALSHA: { least: 2 },
  FCALL: { least: 2 },
  SCRIPT: { least: 1 },
  FUNCTION: { least: 1 },
};

function takes(name: string, { length }: readonly string[]): boolean {
  const { least, most } = commands[name] ?? ARITIES[name] ?? { least: 0 };
  return length >= least && length <= (most ?? length);
}

interface RegisteredFunction {
  readonly callback: LuaFunction;
  /** Whether it is to run also when memory is full. */
  readonly whenFull: boolean;
}

const digests = new Map<string, string>();

function sha1(text: string): string {
  const known = digests.get(text);
  if (known !== undefined) return known;
  const digest = createHash('sha1').update(text).digest('hex');
  digests.set(text, digest);
  return digest;
}

export class ModelServer {
  runId: string;
  replicationId: string;
  /** Whether its memory is full. */
  isFull = false;
  readonly #options: ServerOptions;
  readonly #redis: RedisFunctions;
  #keys = new Keyspace();
  readonly #scripts = new Map<string, string>();
  readonly #libraries = new Map<string, string>();
  readonly #functions = new Map<string, RegisteredFunction>();
  #running: Running | undefined;
  /** Microseconds: the time of the command that is carried out. */
  #time = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.runId = options.name();
    this.replicationId = options.name();
    this.#redis = {
      call: (name, ...args) => toLua(this.#runFromScript(toText(name), args)),
      pcall: (name, ...args) => this.#attempt(toText(name), args),
      register_function: (options) => {
        const callback = options instanceof Table ? options.get('callback') : undefined;
        if (!(options instanceof Table) || typeof callback !== 'function')
          throw new LuaError('callback argument given to redis.register_function must be a function');
        const flags = options.get('flags');
        const whenFull = flags instanceof Table && flags.list.includes('allow-oom');
        this.#functions.set(toText(options.get('function_name')), { callback, whenFull });
        return new Multi([]);
      },
      error_reply: (message) => named('err', toText(message)),
      status_reply: (message) => named('ok', toText(message)),
    };
  }

  /** Carries out a command as a client sends it. Throws a ServerError for an error reply. */
  execute(command: string, args: readonly string[]): Reply {
    this.#time = this.#options.time();
    this.#keys.now = Math.floor(this.#time / 1_000);
    try {
      return this.#run(command, args);
    } catch (error) {
      if (error instanceof LuaError) throw new ServerError(`ERR ${error.message}`);
      throw error;
    }
  }

  snapshot(): Snapshot {
    return { keys: this.#keys.copy(), libraries: new Map(this.#libraries) };
  }

  /** Another process, with what is on the disk. */
  restart(from?: Snapshot): void {
    this.runId = this.#options.name();
    this.replicationId = this.#options.name();
    this.#scripts.clear();
    this.#libraries.clear();
    this.#functions.clear();
    this.#keys = from?.keys.copy() ?? new Keyspace();
    for (const [name, text] of from?.libraries ?? []) this.#load(name, text);
  }

  /** The same process, with what another one had. */
  follow({ keys }: Snapshot): void {
    this.#keys = keys.copy();
  }

  /** The value of a key, for who watches: it is not to be changed. */
  look(key: string): Stored['value'] | undefined {
    return this.#keys.get(key)?.value;
  }

  /** When a key expires, in ms since 1970; undefined if never, or if there is none. */
  expiry(key: string): number | undefined {
    return this.#keys.expiry(key);
  }

  /** What is in it, by key, in their order. */
  dump(): Record<string, Dumped> {
    this.#keys.now = Math.floor(this.#options.time() / 1_000);
    const dumped = this.#keys.keys().map((key) => {
      const { type, value } = this.#keys.get(key) as Stored;
      return [key, { type, value, expires: this.#keys.expiry(key) }] as const;
    });
    return Object.fromEntries(dumped);
  }

  #run(command: string, args: readonly string[]): Reply {
    const name = command.toUpperCase();
    if (!takes(name, args)) {
      throw new ServerError(`ERR wrong number of arguments for '${command.toLowerCase()}' command`);
    }
    requireRoom(name, this.isFull, this.#running);
    const known = commands[name];
    return known ? known.run(this.#keys, args) : this.#runOnServer(name, args);
  }

  #runFromScript(command: string, values: readonly Value[]): Reply {
    const args = toArguments(values);
    if (!takes(command.toUpperCase(), args)) {
      throw new ServerError('ERR Wrong number of args calling Redis command from script');
    }
    return this.#run(command, args);
  }

  #runOnServer(name: string, [one = '', two = '', ...rest]: readonly string[]): Reply {
    switch (name) {
      case 'PING':
        return 'PONG';
      case 'TIME':
        return [String(Math.floor(this.#time / 1_000_000)), String(this.#time % 1_000_000)];
      case 'INFO':
        return this.#info();
      case 'FLUSHALL':
        this.#keys.clear();
        return 'OK';
      case 'PUBLISH':
        return this.#options.publish(one, two);
      case 'PUBSUB':
        if (one.toUpperCase() !== 'NUMSUB')
          throw new ServerError(`ERR unknown subcommand '${one}'. Try PUBSUB HELP.`);
        return [two, ...rest].flatMap((channel) => [channel, this.#options.listening(channel)]);
      case 'EVAL':
        this.#scripts.set(sha1(one), one);
        return this.#evaluate(one, [two, ...rest]);
      case 'EVALSHA':
        return this.#evaluate(this.#script(one), [two, ...rest]);
      case 'SCRIPT':
        return this.#manageScripts(one.toUpperCase(), two);
      case 'FUNCTION':
        return this.#manageLibraries(one.toUpperCase(), two);
      case 'FCALL':
        return this.#callFunction(one, [two, ...rest]);
      default:
        throw new ServerError(`ERR unknown command '${name}', with args beginning with: `);
    }
  }

  #manageScripts(what: string, text: string): Reply {
    if (what === 'FLUSH') {
      this.#scripts.clear();
      return 'OK';
    }
    if (what !== 'LOAD') throw new ServerError(`ERR SCRIPT ${what} is not part of the model`);
    this.#scripts.set(sha1(text), text);
    return sha1(text);
  }

  #manageLibraries(what: string, text: string): Reply {
    if (what === 'FLUSH') {
      this.#libraries.clear();
      this.#functions.clear();
      return 'OK';
    }
    const name = /^#!lua name=(\w+)\n/.exec(text)?.[1];
    if (what !== 'LOAD' || name === undefined)
      throw new ServerError(`ERR FUNCTION ${what} is not part of the model`);
    if (this.#libraries.has(name)) throw new ServerError(`ERR Library '${name}' already exists`);
    this.#load(name, text);
    return name;
  }

  #load(name: string, text: string): void {
    compile(text)(this.#redis, undefined, undefined);
    this.#libraries.set(name, text);
  }

  #script(digest: string): string {
    const text = this.#scripts.get(digest.toLowerCase());
    if (text === undefined) throw new ServerError('NOSCRIPT No matching script. Please use EVAL.');
    return text;
  }

  #evaluate(text: string, input: readonly string[]): Reply {
    const [keys, args] = toInput(input);
    return this.#runScript(false, () => first(compile(text)(this.#redis, keys, args)));
  }

  #callFunction(name: string, input: readonly string[]): Reply {
    const called = this.#functions.get(name);
    if (called === undefined) throw new ServerError('ERR Function not found');
    const [keys, args] = toInput(input);
    requireFlag(this.isFull, called.whenFull);
    return this.#runScript(called.whenFull, () => first(called.callback(keys, args)));
  }

  #runScript(whenFull: boolean, script: () => Value): Reply {
    this.#running = { whenFull, hasWritten: false };
    try {
      return fromLua(script());
    } finally {
      this.#running = undefined;
    }
  }

  /** redis.pcall: an error is a table. */
  #attempt(name: string, args: readonly Value[]): Value {
    try {
      return toLua(this.#runFromScript(name, args));
    } catch (error) {
      if (error instanceof ServerError) return named('err', error.message);
      if (error instanceof LuaError) return named('err', `ERR ${error.message}`);
      throw error;
    }
  }

  #info(): string {
    const lines = [
      ...['# Server', 'redis_version:7.0.15', `run_id:${this.runId}`],
      ...['# Memory', 'maxmemory_policy:noeviction'],
      ...['# Replication', 'role:master', 'connected_slaves:0', `master_replid:${this.replicationId}`],
      `master_replid2:${'0'.repeat(40)}`,
      `repl_backlog_active:${Number(this.#options.failsOver === true)}`,
    ];
    return `${lines.join('\r\n')}\r\n`;
  }
}
