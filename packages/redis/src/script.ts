/**
 * Lua scripts of a package: one file for each verb, read relative to the module that names it.
 *
 * Guarantees: a file is read once, on first use; a script's digest is the one that EVALSHA expects. Scripts of one
 * library can be loaded into a server as functions (Redis 7), where the locals of the library's prelude live exactly
 * as long as the server's process; run as scripts, the same locals live for one call.
 */
import { createHash } from 'node:crypto';
import type { Connection, Reply } from './connection.js';
import { hoisted } from './hoist.js';
import { type Keyspace, keysNamedIn, openingOf } from './keyspace.js';
import { filesOf, readLua } from './preludes.js';
import { withRoom } from './statements.js';

/** Opens each script and library that stands on redis/server: the variables that lua/server.lua keeps between calls. */
export const SERVER_VARIABLES = 'local RUN_ID, SERVER, ASKED_AT, REPLICAS, FOLLOWING, IS_ALONE';

/** Lua text, or a function that makes it when it is first needed. */
type Lua = string | (() => string);

/** A script as EVAL and EVALSHA take it. */
interface Evaluated {
  readonly text: string;
  readonly digest: string;
}

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');

export class Script {
  /** The library that has this script as a function. */
  readonly library: ScriptLibrary | undefined;
  readonly #lua: Lua;
  readonly #verb: string;
  #body: string | undefined;
  #keys: readonly string[] | undefined;
  #text: string | undefined;
  #digest: string | undefined;
  #flagged: Evaluated | undefined;
  #functionName: string | undefined;

  constructor(lua: Lua, library?: ScriptLibrary, verb = '') {
    this.#lua = lua;
    this.library = library;
    this.#verb = verb;
  }

  get text(): string {
    this.#text ??= `${this.library?.prelude ?? ''}\n${withVerbApart(this.body, this.#verb)}`;
    return this.#text;
  }

  /** The text without the library's prelude. */
  get body(): string {
    if (this.#body === undefined) {
      const lua = typeof this.#lua === 'string' ? this.#lua : this.#lua();
      const keyspace = this.library?.keyspace;
      this.#keys = keyspace ? keysNamedIn(lua, keyspace) : [];
      this.#body = keyspace ? `${openingOf(lua, keyspace)}\n${lua}` : lua;
    }
    return this.#body;
  }

  /** The names of the keys of the library's keyspace that the script takes, in the order of KEYS. */
  get keys(): readonly string[] {
    this.body;
    return this.#keys ?? [];
  }

  get digest(): string {
    this.#digest ??= sha1(this.text);
    return this.#digest;
  }

  /**
   * For a server that takes flags of scripts, which is Redis 7 or later, or for one that does not. Without flags, a
   * script is refused for full memory only if its first write needs some; with them, before it begins, or not at all.
   */
  evaluated(takesFlags: boolean): Evaluated {
    if (!takesFlags || !this.library) return this;
    if (this.#flagged === undefined) {
      const flags = this.library.allowsOom(this.#verb) ? ' flags=allow-oom' : '';
      const text = `#!lua${flags}\n${this.text}`;
      this.#flagged = { text, digest: sha1(text) };
    }
    return this.#flagged;
  }

  get functionName(): string {
    this.#functionName ??= `${this.library?.name}_${this.#verb}`;
    return this.#functionName;
  }
}

/** The script of one verb in a folder of Lua files, with everything that it stands on. `prelude` opens it. */
export const scriptFrom = (folder: URL, verb: string, prelude = ''): Script =>
  new Script(() => `${prelude}\n${readVerb(folder, verb)}`);

/**
 * The text with a function around the part of the verb itself, which its first comment opens: Lua allows 200 local
 * variables at a time in a function, and those of the preludes are many already.
 */
function withVerbApart(body: string, verb: string): string {
  const at = verb === '' ? -1 : body.lastIndexOf(`\n-- ${verb}: `);
  if (at < 0) return body;
  const own = body.slice(at);
  return `${withRoom(body.slice(0, at), own)}\nlocal function verb()${own}\nend\nreturn verb()`;
}

const readVerb = (folder: URL, verb: string): string => filesOf(folder, verb).map(readLua).join('\n');

export interface LibraryOptions {
  /** Opens the library: the locals that its scripts share and keep. Default: nothing. */
  readonly prelude?: string;
  /** The keys that the scripts refer to by name. Default: none; scripts number their KEYS. */
  readonly keyspace?: Keyspace;
  /**
   * The verbs that also run when the server's memory is full, from Redis 7 on: they free some, or keep what is there.
   */
  readonly allowOom?: readonly string[];
}

/** Scripts that share a prelude. A library's name contains the digest of its text, so versions stand side by side. */
export class ScriptLibrary {
  readonly prelude: string;
  readonly keyspace: Keyspace | undefined;
  readonly scripts: ReadonlyMap<string, Script>;
  readonly #allowOom: readonly string[];
  #name: string | undefined;
  #text: string | undefined;

  constructor(verbs: Readonly<Record<string, Lua>>, options: LibraryOptions = {}) {
    this.prelude = options.prelude ?? '';
    this.keyspace = options.keyspace;
    this.#allowOom = options.allowOom ?? [];
    this.scripts = new Map(Object.entries(verbs).map(([verb, lua]) => [verb, new Script(lua, this, verb)]));
  }

  /** A library of the verbs in a folder of Lua files, each with everything that it stands on. */
  static from(folder: URL, verbs: readonly string[], options?: LibraryOptions): ScriptLibrary {
    return new ScriptLibrary(
      Object.fromEntries(verbs.map((verb) => [verb, () => readVerb(folder, verb)])),
      options,
    );
  }

  allowsOom(verb: string): boolean {
    return this.#allowOom.includes(verb);
  }

  get name(): string {
    this.#name ??= `holdfast_${sha1(this.#body('')).slice(0, 16)}`;
    return this.#name;
  }

  /** The text that FUNCTION LOAD takes. */
  get text(): string {
    this.#text ??= `#!lua name=${this.name}\n${this.#body(this.name)}`;
    return this.#text;
  }

  #body(name: string): string {
    const functions = [...this.scripts].map(([verb, { body }]) => {
      const flags = this.allowsOom(verb) ? "'allow-oom'" : '';
      const registered = `{function_name = '${name}_${verb}', callback = CALLBACKS.${verb}, flags = {${flags}}}`;
      return `${hoisted(`CALLBACKS.${verb}`, body)}\nredis.register_function${registered}`;
    });
    return [this.prelude, 'local CALLBACKS = {}', ...functions].join('\n');
  }
}

/** Whether a server does not have a function, or does not let us call it: then the script is used. */
export function isUnknownFunction(error: unknown): boolean {
  return error instanceof Error && /Function not found|NOPERM|unknown command/i.test(error.message);
}

/** Whether a server knows a command of functions, and so flags of scripts, but does not let us call it. */
export function isForbiddenFunction(error: unknown): boolean {
  return error instanceof Error && error.message.includes('NOPERM');
}

/** Whether a server that knows functions has no memory for more of them: it says so even of a library that it has. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('OOM');
}

/** Whether a server that knows functions, and lets us load some, does not take these. */
export function isRefusedLibrary(error: unknown): boolean {
  return error instanceof Error && /^ERR Error (compiling|registering)/.test(error.message);
}

/** Whether a server refused EVALSHA because it has not seen the script since it started. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** Runs a script by its digest, or sends it whole if the server does not know it yet. */
export async function evaluate(
  connection: Connection,
  { text, digest }: Evaluated,
  keys: readonly string[],
  args: readonly string[],
): Promise<Reply> {
  const rest = [String(keys.length), ...keys, ...args];
  try {
    return await connection.send('EVALSHA', [digest, ...rest]);
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return connection.send('EVAL', [text, ...rest]);
  }
}
