/**
 * Lua scripts of a package: one file a verb, read relative to the module that names it.
 *
 * Guarantees: the file is read once, on first use; its digest is the one that EVALSHA expects.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Connection, Reply } from './connection.js';

export class Script {
  readonly #parts: readonly (URL | string)[];
  #text: string | undefined;
  #digest: string | undefined;

  /** `parts` are joined in order: Lua text such as constants, then files, the verb last. */
  constructor(...parts: readonly (URL | string)[]) {
    this.#parts = parts;
  }

  get text(): string {
    this.#text ??= this.#parts
      .map((part) => (typeof part === 'string' ? part : readFileSync(part, 'utf8')))
      .join('\n');
    return this.#text;
  }

  get digest(): string {
    this.#digest ??= createHash('sha1').update(this.text).digest('hex');
    return this.#digest;
  }
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
