/**
 * The payloads of a queue's tasks, through the codec of the queue if it has one: data, results, progress, lines of logs, and
 * the errors of attempts. What the queue must know, and what people look for, stays as it is: ids, names, kinds, keys, tenants,
 * times, options, workers, and the reasons of `cancel`.
 *
 * Guarantees: each payload says whether it is encoded, so that what was added before the queue had a codec is read as it is.
 * A task that is tried again, requeued or passed on has the bytes with which it was added. Without a codec nothing is awaited.
 * What cannot be decoded is a CodecError for who needs it, and is left out, with the reason, for who only looks.
 */
import {
  type Clock,
  type Codec,
  CodecError,
  Coder,
  MisuseError,
  messageOf,
  pause,
  requireJson,
  withoutCodec,
} from '@holdfast/kernel';
import type { Claimed } from './claimed.js';
import { ADVICE, encodeData } from './data.js';
import type { QueueEvent } from './events.js';
import type { LogLine, TaskInfo } from './inspection.js';
import { issuerOf } from './keys.js';
import { encodeResult, notKept, type TaskOutcome, whyNotKept } from './results.js';
import type { ScheduleInfo } from './schedule.js';
import { isSealed, Sealed, sealedMessage, sealedOf } from './sealed.js';
import type { Failure, KeptFailure } from './task-options.js';

/** In bytes: the latest 1000 notices are kept, and each may be one of progress. */
const LARGEST_PROGRESS = 16_000;

/** After how many ms a codec that did not encode a result is asked again. */
const AGAIN = [50, 500];

/** Stands for the message of an error that cannot be decoded. */
const ENCODED = '(encoded)';

export interface PayloadsOptions {
  readonly codec: Codec | undefined;
  /** The name of the queue, and its prefix. */
  readonly name: string;
  readonly prefix: string;
  readonly clock: Clock;
  /** The most bytes of data, or of a result, as they are kept. */
  readonly maxBytes: number;
}

export class Payloads {
  readonly #options: PayloadsOptions;
  readonly #coder: Coder | undefined;
  /** The end of the data that were to be encoded before. */
  #before: Promise<unknown> = Promise.resolve();

  constructor(options: PayloadsOptions) {
    this.#options = options;
    const { codec, name, prefix, clock } = options;
    this.#coder = codec && new Coder(codec, ownerOf(name, prefix), clock);
  }

  /** Whether data are encoded. */
  get isCoded(): boolean {
    return this.#coder !== undefined;
  }

  /** Those of another queue of the same Redis and prefix, as far as this codec knows them. */
  of(queue: string | undefined): Payloads {
    return queue === undefined ? this : new Payloads({ ...this.#options, name: queue });
  }

  /** The data of a task as JSON, which `sealed` encodes. Throws MisuseError; `of` begins the message. */
  json(data: unknown, of: string): string {
    return encodeData(data, this.#mostOf(this.#options.maxBytes), of);
  }

  /**
   * The JSON of data as it is kept, which is JSON again, in the order of the calls, however long the codec takes for each.
   * Throws CodecError; MisuseError for data that are too large when encoded.
   */
  async sealed(json: string, of: string): Promise<string> {
    if (this.#coder === undefined) return json;
    const sealing = this.#coder.seal(json);
    const tried = sealing.catch(() => {});
    this.#before = this.#before.then(() => tried);
    await this.#before;
    const text = JSON.stringify(await sealing);
    requireSize(text, this.#options.maxBytes, of);
    return text;
  }

  /** Of a schedule that is set: as `kept` if that is the same, because what is encoded twice is rarely the same twice. */
  async sealedAs(json: string, of: string, kept: unknown): Promise<string> {
    const isSame =
      kept instanceof Sealed &&
      (await this.#unsealed(kept.text, (text) => text).catch(() => undefined)) === json;
    return isSame ? JSON.stringify(kept.text) : this.sealed(json, of);
  }

  /** The data of a delivery, as JSON. Throws CodecError. */
  async dataOf({ id, data }: Claimed): Promise<string> {
    try {
      return await this.#unsealed(String(JSON.parse(data)), requireJson);
    } catch (error) {
      throw this.#failedFor(`The data of task ${id}`, error);
    }
  }

  /** Throws MisuseError, CodecError. */
  progress(value: unknown): string | Promise<string> {
    const most = Math.min(this.#options.maxBytes, LARGEST_PROGRESS);
    const json = encodeData(value, this.#mostOf(most), 'Progress');
    return this.#coder ? this.#marked(this.#coder, json, { most, of: 'Progress' }) : json;
  }

  /** A line of a log. Throws CodecError. */
  line(text: string): string | Promise<string> {
    const json = JSON.stringify(text);
    return this.#coder ? this.#marked(this.#coder, json, undefined) : json;
  }

  /** The result as it is kept, or the reason why it is not: never throws, nor rejects. */
  result(result: unknown): string | Promise<string> {
    const { maxBytes: most } = this.#options;
    const text = encodeResult(result, this.#mostOf(most));
    // That there is none is nothing to hide.
    if (this.#coder === undefined || result === undefined || whyNotKept(text) !== undefined) return text;
    return this.#insisted(this.#coder, text);
  }

  /** Its handler is not run again, so a codec that has failed is asked again before the result is given up. */
  async #insisted(coder: Coder, text: string): Promise<string> {
    const { clock, maxBytes: most } = this.#options;
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.#marked(coder, text, { most, of: 'The result' });
      } catch (error) {
        const wait = AGAIN[tries];
        if (wait === undefined || error instanceof MisuseError) return notKept(messageOf(error));
        await pause(clock, wait);
      }
    }
  }

  /** A failure as it is kept: never throws, nor rejects. */
  failure(failure: Failure): KeptFailure | Promise<KeptFailure> {
    return this.#coder ? sealFailure(this.#coder, failure) : failure;
  }

  /** Throws CodecError, which names what it is, such as "The result of task 7". */
  async value(value: unknown, of: string): Promise<unknown> {
    if (!(value instanceof Sealed)) return value;
    try {
      return await this.of(value.queue).#unsealed(value.text, JSON.parse);
    } catch (error) {
      throw this.#failedFor(of, error);
    }
  }

  /** The message of an error; "(encoded)" for one that cannot be decoded. */
  async reason(message: string): Promise<string> {
    return sealedOf(message) === undefined ? message : this.#message(message, []);
  }

  /** What is known of a task, as far as it can be decoded. */
  async task(info: TaskInfo): Promise<TaskInfo> {
    const isPlain =
      ![info.data, info.result, info.progress].some((value) => value instanceof Sealed) &&
      !info.errors?.some(({ message }) => sealedOf(message) !== undefined);
    if (isPlain) return info;
    const missed: string[] = [];
    const [data, result, progress, errors] = await Promise.all([
      this.#shown(info.data, missed),
      this.#shown(info.result, missed),
      this.#shown(info.progress, missed),
      info.errors && Promise.all(info.errors.map((failure) => this.#failure(failure, missed))),
    ]);
    return {
      ...{ ...info, data },
      ...('result' in info && { result }),
      ...('progress' in info && { progress }),
      ...(errors && { errors }),
      ...whyEncoded(missed),
    };
  }

  /** An event, as far as it can be decoded. */
  async event(event: QueueEvent): Promise<QueueEvent> {
    const missed: string[] = [];
    if (event.kind === 'completed' && event.result instanceof Sealed)
      return { ...event, result: await this.#shown(event.result, missed), ...whyEncoded(missed) };
    if (event.kind === 'progress' && event.progress instanceof Sealed)
      return { ...event, progress: await this.#shown(event.progress, missed), ...whyEncoded(missed) };
    if ((event.kind === 'retried' || event.kind === 'failed') && sealedOf(event.reason) !== undefined)
      return { ...event, reason: await this.#message(event.reason, missed), ...whyEncoded(missed) };
    return event;
  }

  /** Throws CodecError for a result that cannot be decoded. */
  async outcome(outcome: TaskOutcome): Promise<TaskOutcome> {
    if (outcome.state === 'completed' && outcome.result instanceof Sealed) {
      return { ...outcome, result: await this.value(outcome.result, `The result of task ${outcome.id}`) };
    }
    return outcome.state === 'failed' ? { ...outcome, reason: await this.reason(outcome.reason) } : outcome;
  }

  /** The lines of a log, as far as they can be decoded. */
  async lines(lines: readonly (Omit<LogLine, 'text'> & { readonly text: unknown })[]): Promise<LogLine[]> {
    return Promise.all(
      lines.map(async (line) => {
        const missed: string[] = [];
        const text = (await this.#shown(line.text, missed)) ?? ENCODED;
        return { ...line, text: String(text), ...whyEncoded(missed) };
      }),
    );
  }

  /** A schedule, as far as it can be decoded. */
  async schedule(info: ScheduleInfo): Promise<ScheduleInfo> {
    if (!(info.data instanceof Sealed)) return info;
    const missed: string[] = [];
    return { ...info, data: await this.#shown(info.data, missed), ...whyEncoded(missed) };
  }

  /** The size of what is encoded is judged when it is. */
  #mostOf(most: number): number {
    return this.#coder ? Number.POSITIVE_INFINITY : most;
  }

  async #marked(
    coder: Coder,
    json: string,
    limit: { readonly most: number; readonly of: string } | undefined,
  ): Promise<string> {
    const text = await coder.encode(json);
    if (limit) requireSize(text, limit.most, limit.of);
    return text;
  }

  async #unsealed<T>(sealed: string, read: (text: string) => T): Promise<T> {
    if (this.#coder === undefined) throw withoutCodec('createQueue the codec with which it was encoded');
    return this.#coder.unseal(sealed, read);
  }

  async #shown(value: unknown, missed: string[]): Promise<unknown> {
    try {
      return value instanceof Sealed ? await this.of(value.queue).#unsealed(value.text, JSON.parse) : value;
    } catch (error) {
      missed.push(messageOf(error));
      return undefined;
    }
  }

  async #message(message: string, missed: string[]): Promise<string> {
    try {
      const sealed = sealedOf(message);
      return sealed === undefined ? message : await this.#unsealed(sealed, (text) => text);
    } catch (error) {
      missed.push(messageOf(error));
      return ENCODED;
    }
  }

  async #failure({ sealed, ...failure }: KeptFailure, missed: string[]): Promise<Failure> {
    const [message, more] = await Promise.all([
      this.#message(failure.message, missed),
      sealed === undefined ? {} : this.#shown(new Sealed(sealed), missed),
    ]);
    return { ...failure, message, ...(more as Pick<Failure, 'stack' | 'cause'> | undefined) };
  }

  /** The error for something of a task of this queue. */
  #failedFor(of: string, error: unknown): CodecError {
    const { name } = this.#options;
    const { owner } = error as CodecError;
    return new CodecError(`${of} of "${name}" cannot be read. ${messageOf(error)}`, {
      ...(owner !== undefined && { owner }),
      cause: error,
    });
  }
}

/** The groups of a queue have the same tasks. */
const ownerOf = (name: string, prefix: string): string => issuerOf(name.split('@')[0] ?? name, prefix);

/** Whether the handler of this queue needs the codec for the data of a delivery. */
export const isSealedHere = ({ options, unreadable }: Claimed): boolean =>
  unreadable === undefined && options.n === undefined && isSealed(options);

/** The message says what the codec did wrong, and none of what it was given. */
async function sealFailure(coder: Coder, failure: Failure): Promise<KeptFailure> {
  const { message, stack, cause, ...details } = failure;
  const more = { ...(stack !== undefined && { stack }), ...(cause !== undefined && { cause }) };
  try {
    const [sealed, behind] = await Promise.all([
      coder.seal(message),
      Object.keys(more).length > 0 ? coder.seal(JSON.stringify(more)) : undefined,
    ]);
    return {
      ...{ ...details, message: sealedMessage(sealed) },
      ...(behind !== undefined && { sealed: behind }),
    };
  } catch (error) {
    return { ...details, message: `its error was not kept: ${messageOf(error)}` };
  }
}

function requireSize(text: string, most: number, of: string): void {
  if (text.length <= most) return;
  throw new MisuseError(`${of} has ${text.length} bytes when encoded, and ${most} are the most: ${ADVICE}.`);
}

const whyEncoded = ([why]: readonly string[]): { readonly encoded?: string } =>
  why === undefined ? {} : { encoded: why };
