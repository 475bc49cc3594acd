/**
 * A run, as programs see it from outside.
 */
import {
  AbortedError,
  abortSignal,
  display,
  MisuseError,
  optional,
  type Random,
  readOptions,
  throwIfAborted,
} from '@holdfast/kernel';
import type { Workflow } from '../define.js';
import { RunCancelledError, RunFailedError, RunGoneError, RunStuckError } from '../errors.js';
import { decodeRecord, encodeRecord, type JournalRecord } from '../journal/record.js';
import { encodeValue } from '../json.js';
import { requireCallName } from '../machine/context.js';
import { check } from '../schema.js';
import type { Found, Store, Told } from '../store/store.js';
import { outcomeOf, type Rest, type Waits } from './waits.js';

export interface RunStatus {
  /** "waiting": for a worker. "sleeping": for a time or a message, without a worker. "stuck": for somebody who mends it. */
  readonly status: 'waiting' | 'running' | 'sleeping' | 'stuck' | 'completed' | 'failed' | 'cancelled';
  /** Why it is stuck, has failed or was cancelled. */
  readonly reason: string | undefined;
}

/** A handle of a run. Making one asks Redis nothing. */
export interface Run<Result = unknown> {
  readonly workflow: string;
  readonly id: string;
  /**
   * What its function returns. Rejects with RunFailedError, RunCancelledError, RunStuckError or RunGoneError, with
   * AbortedError if `signal` aborts, and with UnavailableError: then ask again.
   */
  result(options?: { readonly signal?: AbortSignal }): Promise<Result>;
  /** Throws RunGoneError, UnavailableError. */
  status(): Promise<RunStatus>;
  /** What the run has published last; undefined if nothing. Throws RunGoneError, UnavailableError. */
  state<T = unknown>(): Promise<T | undefined>;
  /**
   * Sends a message: the run's next `receive` of that name takes it. With an `id` it may be repeated: the run takes one of
   * each. False if the run is over. Throws MisuseError, RunGoneError, UnavailableError.
   */
  send(name: string, payload?: unknown, options?: { readonly id?: string }): Promise<boolean>;
  /**
   * Asks the run to end: what it waits for rejects with an AbortedError, and its bodies' signals abort. False if it is over.
   * Throws RunGoneError, UnavailableError.
   */
  cancel(reason?: string): Promise<boolean>;
  /** Lets a run that is stuck go on over its journal. False if it is not stuck. Throws RunGoneError, UnavailableError. */
  retry(): Promise<boolean>;
  /** Its journal. Throws RunGoneError, UnavailableError. */
  history(): Promise<readonly JournalRecord[]>;
}

export interface RunParts {
  readonly store: Store;
  readonly random: Random;
  readonly waits: Waits;
  /** Resolves when the mailbox listens. */
  readonly listening: () => Promise<void>;
}

type Definition = Pick<Workflow, 'name' | 'messages'>;

const RESULT = { signal: optional(abortSignal) };
const SEND = { id: optional((option: string, value: unknown) => requireId(option, value)) };

const STATUS = { ready: 'waiting', owned: 'running', parked: 'sleeping', stuck: 'stuck' } as const;

export class RunHandle<Result> implements Run<Result> {
  readonly workflow: string;
  readonly id: string;
  readonly #definition: Definition;
  readonly #parts: RunParts;

  constructor(definition: Definition, id: string, parts: RunParts) {
    this.workflow = definition.name;
    this.id = id;
    this.#definition = definition;
    this.#parts = parts;
  }

  async result(options: { readonly signal?: AbortSignal } = {}): Promise<Result> {
    const { signal } = readOptions('result', options, RESULT);
    const { store, waits, listening } = this.#parts;
    const doing = `waiting for the run "${this.id}" of "${this.workflow}"`;
    throwIfAborted(signal, doing);
    await listening();
    const until = signal ? AbortSignal.any([signal, store.closed]) : store.closed;
    const rest = await waits.wait(this.#name, until);
    if (rest === undefined) throw new AbortedError(`Aborted while ${doing}.`, until.reason);
    return this.#valueOf(rest);
  }

  async status(): Promise<RunStatus> {
    const found = await this.#find();
    if (found.word !== 'over') {
      return { status: STATUS[found.word], reason: found.word === 'stuck' ? found.detail : undefined };
    }
    const outcome = outcomeOf(found.detail);
    if (outcome.status === 'failed') return { status: 'failed', reason: outcome.error.message };
    return { status: outcome.status, reason: outcome.status === 'cancelled' ? outcome.reason : undefined };
  }

  async state<T>(): Promise<T | undefined> {
    const { state } = await this.#find();
    return state === '' ? undefined : JSON.parse(state);
  }

  async send(name: string, payload?: unknown, options: { readonly id?: string } = {}): Promise<boolean> {
    requireCallName('The name of a message', name);
    const { id = this.#parts.random.id() } = readOptions('send', options, SEND);
    const schema = this.#definition.messages[name];
    const value = await check(schema, payload, `The message "${name}"`);
    encodeValue(value, `The message "${name}"`);
    return this.#tell({ kind: 'message', id, name, payload: value });
  }

  async cancel(reason = 'somebody asked for it'): Promise<boolean> {
    if (typeof reason !== 'string') {
      throw new MisuseError(`The reason of a cancel is text; got ${display(reason)}.`);
    }
    return this.#tell({ kind: 'cancel', reason: reason.slice(0, 1_000) });
  }

  async retry(): Promise<boolean> {
    const word = await this.#parts.store.retry(this.#name);
    if (word === 'unknown') throw this.#gone();
    return word === 'ready';
  }

  async history(): Promise<readonly JournalRecord[]> {
    const records: JournalRecord[] = [];
    for (;;) {
      const page = await this.#parts.store.page(this.#name, records.length);
      if (page.length === 0) break;
      records.push(...page.map(decodeRecord));
    }
    if (records.length === 0) throw this.#gone();
    return records;
  }

  get #name(): string {
    return runName(this.workflow, this.id);
  }

  async #tell(record: JournalRecord): Promise<boolean> {
    const told: Told = await this.#parts.store.tell(this.#name, encodeRecord(record));
    if (told === 'unknown') throw this.#gone();
    return told === 'told';
  }

  async #find(): Promise<Exclude<Found, { word: 'unknown' }>> {
    const found = await this.#parts.store.find(this.#name, '');
    if (found.word === 'unknown') throw this.#gone();
    return found;
  }

  #valueOf(rest: Rest): Result {
    const { workflow, id } = this;
    if (rest.status === 'completed') return rest.value as Result;
    if (rest.status === 'failed') throw new RunFailedError({ workflow, id, reason: rest.error });
    if (rest.status === 'cancelled') throw new RunCancelledError({ workflow, id, reason: rest.reason });
    if (rest.status === 'stuck') throw new RunStuckError({ workflow, id, reason: rest.reason });
    throw this.#gone();
  }

  #gone(): RunGoneError {
    return new RunGoneError({ workflow: this.workflow, id: this.id });
  }
}

const LONGEST_ID = 256;

/** An id of a run or a message: 1 to 256 bytes of UTF-8 without control characters. Throws MisuseError. */
export function requireId(option: string, id: unknown): string {
  const isText = typeof id === 'string' && id !== '' && !/\p{Cs}|\p{Cc}/u.test(id);
  if (isText && Buffer.byteLength(id) <= LONGEST_ID) return id;
  throw new MisuseError(
    `${option} is text of 1 to ${LONGEST_ID} bytes in UTF-8 without control characters; got ${display(id)}.`,
  );
}

/** What a run is called in Redis. */
export const runName = (workflow: string, id: string): string => `${workflow}/${id}`;
