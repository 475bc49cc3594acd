/** Which of the shipped scripts a command runs, and with which keys and arguments. */
import { createHash } from 'node:crypto';
import type { Command } from '../world/connection.js';

export interface Call {
  readonly verb: string;
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

export class Calls {
  /** The verbs of the scripts that the server was sent, by digest. */
  readonly #verbs = new Map<string, string>();

  /** Undefined if it runs none. */
  read({ name, args }: Command): Call | undefined {
    const [script = '', count, ...rest] = args;
    if (name === 'SCRIPT') this.#note(count ?? '');
    const verb = this.#verbOf(name, script);
    if (verb === undefined) return undefined;
    return { verb, keys: rest.slice(0, Number(count)), args: rest.slice(Number(count)) };
  }

  #verbOf(name: string, script: string): string | undefined {
    if (name === 'FCALL') return script.slice(script.lastIndexOf('_') + 1);
    if (name === 'EVAL') return this.#note(script);
    return name === 'EVALSHA' ? this.#verbs.get(script) : undefined;
  }

  /** The verb opens the last of the files that a script is made of. */
  #note(text: string): string | undefined {
    const verb = [...text.matchAll(/^-- (\w+):/gm)].at(-1)?.[1];
    if (verb !== undefined) this.#verbs.set(createHash('sha1').update(text).digest('hex'), verb);
    return verb;
  }
}
