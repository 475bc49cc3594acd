/**
 * From the words of a command line and the environment to settings: a flag first, then its variable, then nothing.
 *
 * Guarantees: a word that is not understood is a UsageError that names it, never ignored. An empty variable counts as
 * not set. Addresses appear in messages without their credentials.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { display } from '@holdfast/kernel';
import { parseAddress } from '@holdfast/redis';
import { DURATION_FORMS, parseDuration } from './durations.js';
import { UsageError } from './exit-codes.js';
import { type Option, SERVER } from './options.js';

/** A word that is not an option, identified by its place. Those that may be missing come last. */
export interface Operand {
  /** As the synopsis shows it, such as "queue". */
  readonly name: string;
  /** As an error names it, such as "the name of the queue". */
  readonly about: string;
  readonly optional?: boolean;
}

export interface Parsed {
  readonly command: string;
  readonly options: readonly Option[];
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export class Arguments {
  /** The words that are not options. */
  readonly operands: readonly string[];
  readonly #command: string;
  readonly #options: readonly Option[];
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #env: Readonly<Record<string, string | undefined>>;

  /** Throws UsageError for an option that is unknown, lacks its value or has one too many. */
  constructor({ command, options, words, env }: Parsed) {
    this.#command = command;
    this.#options = options;
    this.#env = env;
    const config: NonNullable<ParseArgsConfig['options']> = {};
    for (const { name, value } of options) config[name] = { type: value ? 'string' : 'boolean' };
    try {
      const { values, positionals } = parseArgs({
        args: [...words],
        options: { ...config, help: { type: 'boolean', short: 'h' } },
        allowPositionals: true,
      });
      this.#values = values;
      this.operands = positionals;
    } catch (error) {
      throw this.wrong(firstSentence(error));
    }
  }

  /** Whether a switch was given. */
  has({ name }: Option): boolean {
    return this.#values[name] === true;
  }

  /** The value of an option as it was written; undefined if neither flag nor variable gives one. */
  text(option: Option): string | undefined {
    const flag = this.#values[option.name];
    if (typeof flag === 'string') return flag;
    const variable = option.env === undefined ? undefined : this.#env[option.env];
    return variable === '' ? undefined : variable;
  }

  /** The value of a duration, in ms. */
  duration(option: Option): number | undefined {
    const text = this.text(option);
    if (text === undefined) return undefined;
    const duration = parseDuration(text);
    if (duration !== undefined) return duration;
    throw this.wrong(`${this.#source(option)} is a duration (${DURATION_FORMS}); got ${display(text)}`);
  }

  /** A whole number from `min` to `max`. */
  count(option: Option, min: number, max: number): number | undefined {
    const text = this.text(option);
    if (text === undefined) return undefined;
    if (/^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
    throw this.wrong(
      `${this.#source(option)} is a number from ${min} to ${max}; got ${display(masked(text))}`,
    );
  }

  /** A value in JSON; undefined if there is none. */
  json(option: Option): unknown {
    const text = this.text(option);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      throw this.wrong(
        `${this.#source(option)} is JSON, in which text has double quotes; got ${display(text)}: ${firstSentence(error)}`,
      );
    }
  }

  /** A time, in ms since the epoch: a date, or so long before `now`. */
  time(option: Option, now: number): number | undefined {
    const text = this.text(option);
    if (text === undefined) return undefined;
    const ago = parseDuration(text);
    const at =
      ago === undefined && /^\d{4}-\d\d-\d\d(T.+)?$/.test(text)
        ? Date.parse(text)
        : now - (ago ?? Number.NaN);
    if (at > 0) return at;
    throw this.wrong(
      `${this.#source(option)} is a time (2026-01-31, 2026-01-31T12:00Z, or 2h for two hours ago); got ${display(text)}`,
    );
  }

  /** A comma-separated list of addresses; undefined if there is none. */
  addresses(option: Option): readonly string[] | undefined {
    const addresses = splitAddresses(this.text(option) ?? '');
    if (addresses.length === 0) return undefined;
    addresses.forEach((address, index) => {
      if (isAddress(address)) return;
      // Text that cannot be parsed is not shown: it may contain a password anywhere.
      const which = addresses.length > 1 ? `, number ${index + 1} of ${addresses.length},` : '';
      throw this.wrong(
        `${this.#source(option)}${which} is not an address such as redis://127.0.0.1:7001 (or rediss://, unix:/path); separate several by commas, and percent-encode special characters in a password`,
      );
    });
    return addresses;
  }

  /**
   * The URL of the server that the command works through; undefined if it works on Redis itself. An address that is given as a
   * flag goes before a server that only the environment names. Throws UsageError.
   */
  get server(): string | undefined {
    if (!this.#options.includes(SERVER)) return undefined;
    const direct = this.#options.find(({ name, direct: kind }) => kind === 'address' && this.#isFlag(name));
    if (direct !== undefined) {
      if (this.#isFlag(SERVER.name)) throw this.wrong(`give --${SERVER.name} or --${direct.name}, not both`);
      return undefined;
    }
    const url = this.text(SERVER);
    if (url === undefined) return undefined;
    const { protocol, username, password } = URL.canParse(url) ? new URL(url) : {};
    if (protocol !== 'http:' && protocol !== 'https:')
      throw this.wrong(`${this.#source(SERVER)} is a URL such as https://holdfast.internal:7400`);
    if (username !== '' || password !== '')
      throw this.wrong(`${this.#source(SERVER)} has a user or a password; a server is given a key`);
    return url;
  }

  /** Throws UsageError for an operand that is missing or one too many, and for a required option without a value. */
  require(operands: readonly Operand[], options: readonly Option[]): void {
    const isServed = this.server !== undefined;
    const stray = options.find(({ name, direct }) => isServed && direct !== undefined && this.#isFlag(name));
    if (stray) throw this.wrong(`--${stray.name} is for Redis itself; leave it out with --${SERVER.name}`);
    const extra = this.operands[operands.length];
    if (extra !== undefined) throw this.wrong(`unexpected argument ${display(masked(extra))}`);
    const missing = operands[this.operands.length];
    if (missing && !missing.optional) throw this.wrong(`${missing.about} is missing`);
    for (const option of options) {
      if (!option.required || this.text(option) !== undefined) continue;
      if (isServed && option.direct !== undefined) continue;
      const variable = option.env === undefined ? '' : ` or set ${option.env}`;
      throw this.wrong(`--${option.name} is missing: give --${option.name} ${option.value}${variable}`);
    }
  }

  /** The error for a command line that is wrong in a way that only the command can see. */
  wrong(message: string): UsageError {
    return new UsageError(`${message}.`, this.#command);
  }

  #isFlag(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  /** Where the value of an option came from. */
  #source({ name, env }: Option): string {
    return this.#isFlag(name) || env === undefined ? `--${name}` : env;
  }
}

type Given<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without the settings that are undefined. */
export function given<T extends object>(settings: T): Given<T> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as Given<T>;
}

/** A comma also separates the hosts of one sentinel or cluster address. */
function splitAddresses(text: string): readonly string[] {
  const addresses: string[] = [];
  for (const part of text.split(',').flatMap((piece) => piece.trim() || [])) {
    const last = addresses.at(-1) ?? '';
    const goesOn = /^rediss?-(sentinel|cluster):/i.test(last) && !/^[a-z-]+:\//i.test(part);
    if (goesOn) addresses[addresses.length - 1] = `${last},${part}`;
    else addresses.push(part);
  }
  return addresses;
}

function isAddress(text: string): boolean {
  if (!/^(rediss?(-sentinel|-cluster)?:\/\/|unix:\/)/i.test(text)) return false;
  try {
    parseAddress(text);
    return true;
  } catch {
    return false;
  }
}

/** The text without anything that may be a password: everything before the last "@", and a query. */
export function masked(text: string): string {
  return text.replace(/^.*@/s, '***@').replace(/[?#].*$/s, '');
}

/** Node's own message goes on about how to quote; its first sentence says what is wrong. */
function firstSentence(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  const [sentence = ''] = line.split(/\.(?:\s|$)/);
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
