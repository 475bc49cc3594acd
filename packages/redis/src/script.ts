/**
 * Lua scripts of a package: one file a verb, read relative to the module that names it.
 *
 * Guarantees: a file is read once, on first use; a script's digest is the one that EVALSHA expects. Scripts of one
 * library can be loaded into a server as functions (Redis 7), where the locals of the library's prelude live exactly
 * as long as the server's process; run as scripts, the same locals live for one call.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Connection, Reply } from './connection.js';

/** Lua text, or the file that has it. */
type LuaPart = URL | string;

const files = new Map<string, string>();

function readFile({ href }: URL): string {
  const known = files.get(href);
  if (known !== undefined) return known;
  const text = readFileSync(new URL(href), 'utf8');
  files.set(href, text);
  return text;
}

const read = (parts: readonly LuaPart[]): string =>
  parts.map((part) => (typeof part === 'string' ? part : readFile(part))).join('\n');

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');

export class Script {
  /** The library that has this script as a function, and its name there. */
  readonly library: ScriptLibrary | undefined;
  readonly #verb: string;
  readonly #parts: readonly LuaPart[];
  #text: string | undefined;
  #digest: string | undefined;
  #functionName: string | undefined;

  /** `parts` are joined in order: preludes first, the verb last. */
  constructor(parts: readonly LuaPart[], library?: ScriptLibrary, verb = '') {
    this.#parts = parts;
    this.library = library;
    this.#verb = verb;
  }

  get text(): string {
    this.#text ??= `${this.library?.prelude ?? ''}\n${this.body}`;
    return this.#text;
  }

  /** The text without the library's prelude. */
  get body(): string {
    return read(this.#parts);
  }

  get digest(): string {
    this.#digest ??= sha1(this.text);
    return this.#digest;
  }

  get functionName(): string {
    this.#functionName ??= `${this.library?.name}_${this.#verb}`;
    return this.#functionName;
  }
}

/** Scripts that share a prelude. A library's name contains the digest of its text, so versions stand side by side. */
export class ScriptLibrary {
  readonly prelude: string;
  readonly scripts: ReadonlyMap<string, Script>;
  readonly #allowOom: readonly string[];
  #name: string | undefined;
  #text: string | undefined;

  /** The verbs in `allowOom` run also where the server's memory is full, as functions: they free some, or keep what is there. */
  constructor(
    prelude: string,
    verbs: Readonly<Record<string, readonly LuaPart[]>>,
    { allowOom = [] }: { readonly allowOom?: readonly string[] } = {},
  ) {
    this.prelude = prelude;
    this.#allowOom = allowOom;
    this.scripts = new Map(
      Object.entries(verbs).map(([verb, parts]) => [verb, new Script(parts, this, verb)]),
    );
  }

  get name(): string {
    this.#name ??= `holdfast_${sha1(this.#body('')).slice(0, 16)}`;
    return this.#name;
  }

  /** What FUNCTION LOAD takes. */
  get text(): string {
    this.#text ??= `#!lua name=${this.name}\n${this.#body(this.name)}`;
    return this.#text;
  }

  #body(name: string): string {
    const functions = [...this.scripts].map(([verb, { body }]) => {
      const flags = this.#allowOom.includes(verb) ? "'allow-oom'" : '';
      const registered = `{function_name = '${name}_${verb}', callback = ${verb}, flags = {${flags}}}`;
      return `local function ${verb}(KEYS, ARGV)\n${body}\nend\nredis.register_function${registered}`;
    });
    return [this.prelude, ...functions].join('\n');
  }
}

/** Whether a server does not have a function, or may not let us call it: then the script serves. */
export function isUnknownFunction(error: unknown): boolean {
  return error instanceof Error && /Function not found|NOPERM|unknown command/i.test(error.message);
}

/** Whether a server refused EVALSHA because it has not seen the script since it started. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** Runs a script by its digest, and whole where the server does not know it yet. */
export async function evaluate(
  connection: Connection,
  script: Script,
  keys: readonly string[],
  args: readonly string[],
): Promise<Reply> {
  const rest = [String(keys.length), ...keys, ...args];
  try {
    return await connection.send('EVALSHA', [script.digest, ...rest]);
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return connection.send('EVAL', [script.text, ...rest]);
  }
}
