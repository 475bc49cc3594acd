/**
 * A run, as programs see it from outside.
 */
import {
  abortSignal,
  type Clock,
  display,
  duration,
  flag,
  MisuseError,
  optional,
  passedOn,
  type Random,
  readOptions,
} from '@holdfast/kernel';
import type { Workflow } from '../define.js';
import { RunCancelledError, RunFailedError, RunGoneError, RunStuckError } from '../errors.js';
import { readJournal } from '../journal/read.js';
import { encodeRecord, type JournalRecord } from '../journal/record.js';
import { encodeValue } from '../json.js';
import { requireCallName } from '../machine/arguments.js';
import { approvalMessage } from '../machine/asking.js';
import { type Approval, readPublished } from '../machine/published.js';
import { type RunName, requireId, requireText, runName } from '../run-name.js';
import { check } from '../schema.js';
import { requireStreamName } from '../step/streams.js';
import type { RunRef } from '../store/claim.js';
import type { Told } from '../store/store.js';
import { type TaskReply, taskMessage } from '../task.js';
import { approve, openIn, requireApproval, type WhichApproval } from './approving.js';
import { ask } from './ask.js';
import { onReplicas, restOnReplicas } from './durable.js';
import { purge, terminate } from './ending.js';
import type { Partition } from './partition.js';
import { fork, type RetryParts, retry } from './retrying.js';
import { type FoundRun, type RunStatus, statusOf } from './status.js';
import { type ReadOptions, readPosition, type StreamItem } from './stream-readers.js';
import { Until } from './until.js';
import type { Hearing, Rest } from './waits.js';

export interface RetryOptions {
  /** The id of a step in `history()`, or its name: the last one of that name. */
  readonly from?: string;
}

export interface ForkOptions extends RetryOptions {
  /** Of the run that begins. Default: a random one. */
  readonly id?: string;
}

/** A handle of a run. Making one asks Redis nothing. */
export interface Run<Result = unknown> {
  readonly workflow: string;
  readonly id: string;
  /** With which it was started; undefined if without, or if the two are the same. */
  readonly key: string | undefined;
  /**
   * What its function returns. Rejects with RunFailedError, RunCancelledError, RunStuckError or RunGoneError, with
   * AbortedError if `signal` aborts, and with UnavailableError: then ask again.
   */
  result(options?: { readonly signal?: AbortSignal }): Promise<Result>;
  /** Throws RunGoneError, CodecError, UnavailableError. */
  status(): Promise<RunStatus>;
  /** What the run has published last; undefined if nothing. Throws RunGoneError, UnavailableError. */
  state<T = unknown>(): Promise<T | undefined>;
  /**
   * Sends a message: the run's next `receive` of that name takes it. With an `id` it may be repeated: the run takes one of
   * each. False if the run is over. Throws MisuseError, RunGoneError, UnavailableError.
   */
  send(name: string, payload?: unknown, options?: { readonly id?: string }): Promise<boolean>;
  /**
   * Sends a message, and gives what the function answers to it with `reply`. With an `id` it may be repeated: it has one
   * answer. Throws MisuseError, RunGoneError, UnavailableError; UnansweredError if there is no answer within `timeout` ms, or
   * before the run ends; AbortedError if `signal` aborts.
   */
  ask<T = unknown>(name: string, payload?: unknown, options?: AskOptions): Promise<T>;
  /** What the run waits for people to approve. Throws RunGoneError, UnavailableError. */
  approvals(): Promise<readonly Approval[]>;
  /**
   * Answers what `ctx.approve` waits for: that of a name which is open, or exactly one that `approvals()` gives. Whether it is
   * the answer: false if no such approval is open, or if it has another answer. Throws as `send`.
   */
  approve(approval: string | Pick<Approval, 'id' | 'name'>, answer: unknown, by?: string): Promise<boolean>;
  /**
   * Asks the run to end: what it waits for rejects with an AbortedError, and its bodies' signals abort. False if it is over.
   * Throws RunGoneError, UnavailableError.
   */
  cancel(reason?: string): Promise<boolean>;
  /**
   * Lets a run go on that is stuck, has failed or was cancelled. One that is stuck goes on where it is; one that has failed,
   * at its last step that has failed; one that was cancelled, where it was then; with `from`, each at that step, and what came
   * behind it is done again. False if it goes on already, or has completed: then fork it. Throws MisuseError for a step that
   * the run has not done, RunGoneError, UnavailableError: then call it again.
   */
  retry(options?: RetryOptions): Promise<boolean>;
  /**
   * Ends the run at once as cancelled, whoever has it and wherever it waits, also where nobody serves it any more: its function
   * does not hear of that, and nothing of it is undone. Its children are cancelled, but for those that go on when their parent
   * ends. False if it is over. Throws RunGoneError, UnavailableError.
   */
  terminate(reason?: string): Promise<boolean>;
  /** Erases all that is kept of a run that is over. False if it is not. Throws RunGoneError, UnavailableError. */
  purge(): Promise<boolean>;
  /**
   * Starts another run over the journal of this one up to a step, which it does anew, as all that follows: with `from`, that
   * step; without, as `retry` does. It works on the same key, and is in the same partition. This run is not changed. With
   * an `id` it may be repeated, until one of the two runs goes over another journal. Throws
   * MisuseError for a step that this run has not done, or an id that another run has, RunsFullError as `start`, RunGoneError, UnavailableError.
   */
  fork(options?: ForkOptions): Promise<Run<Result>>;
  /** Its journal. Throws RunGoneError, UnavailableError. */
  history(): Promise<readonly JournalRecord[]>;
  /**
   * What its steps have written to a stream, and what they write from then on, until the run is over. A `restart` item says
   * that a later attempt of a step begins, and that what came of that step before is void. Throws MisuseError; the iterator
   * rejects with RunGoneError, and with AbortedError if `signal` aborts. Outages are waited out.
   */
  stream<T = unknown>(name: string, options?: StreamOptions): AsyncIterable<StreamItem<T>>;
}

export interface AskOptions {
  /** Of the message: 1 to 256 bytes. Default: a random one. */
  readonly id?: string;
  /** In ms. Default: waits until the run ends. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

export interface StreamOptions {
  /** The `position` of an item behind which to begin. Default 0: from the beginning. */
  readonly from?: 0 | string;
  /** Whether attempts of a step are shown too that a later one has followed. Default false. */
  readonly attempts?: boolean;
  readonly signal?: AbortSignal;
}

export interface RunParts {
  /** That has it. */
  readonly clock: Clock;
  readonly partition: Pick<
    Partition,
    'store' | 'declarations' | 'waits' | 'readers' | 'asks' | 'mailbox' | 'listen' | 'isListening'
  >;
  readonly random: Random;
  /** For how many ms runs are kept that are over. */
  readonly retain: number;
}

type Definition = Pick<Workflow, 'name' | 'messages' | 'limits'>;

const RESULT = { signal: optional(abortSignal) };
const SEND = { id: optional(requireText) };
const ASK = {
  ...SEND,
  timeout: optional(duration()),
  signal: optional(abortSignal),
};
const RETRY = { from: optional(requireText) };
const FORK = { ...RETRY, id: optional(requireId) };

const STREAM = {
  from: passedOn<unknown>(),
  attempts: optional(flag),
  signal: optional(abortSignal),
};

export class RunHandle<Result> implements Run<Result> {
  readonly workflow: string;
  readonly id: string;
  readonly key: string | undefined;
  readonly #definition: Definition;
  readonly #parts: RunParts;
  readonly #run: string;
  /** As far as it is known; '' if it is not. */
  #generation: string;
  /** Of whoever has started it and said that its end is to be told. */
  #expected: Hearing | undefined;

  constructor(
    definition: Definition,
    name: Omit<RunName, 'workflow'>,
    parts: RunParts,
    known: { readonly generation?: string; readonly expected?: Hearing | undefined } = {},
  ) {
    this.workflow = definition.name;
    this.id = name.id;
    this.key = name.key === name.id ? undefined : name.key;
    this.#run = runName({ ...name, workflow: definition.name });
    this.#generation = known.generation ?? '';
    this.#expected = known.expected;
    this.#definition = definition;
    this.#parts = parts;
  }

  async result(options: { readonly signal?: AbortSignal } = {}): Promise<Result> {
    const { signal } = readOptions('result', options, RESULT);
    const { partition } = this.#parts;
    const until = this.#until('waiting for', signal);
    if (!partition.isListening) await until.of(partition.listen());
    const expected = this.#expected;
    this.#expected = undefined;
    const rest = await until.ofEnding(
      restOnReplicas(partition, this.#parts.clock, { run: this.#ref, signal, expected }),
    );
    if (rest === undefined) throw until.error;
    return this.#valueOf(rest);
  }

  async status(): Promise<RunStatus> {
    return statusOf(this.workflow, await this.#find());
  }

  async state<T>(): Promise<T | undefined> {
    const { state } = await this.#find();
    return readPublished(state).value as T | undefined;
  }

  async send(name: string, payload?: unknown, options: { readonly id?: string } = {}): Promise<boolean> {
    requireCallName('The name of a message', name);
    const { id = this.#parts.random.id() } = readOptions('send', options, SEND);
    return this.#tell({ kind: 'message', id, name, payload: await this.#checked(name, payload) });
  }

  /** The result of a task, which is kept for a retry where the run is over. As `send`. */
  async sendResult(task: string, reply: TaskReply): Promise<boolean> {
    const name = taskMessage(task);
    const payload = await this.#checked(name, reply);
    return this.#tell({ kind: 'message', id: task, name, payload }, true);
  }

  async ask<T>(name: string, payload?: unknown, options: AskOptions = {}): Promise<T> {
    requireCallName('The name of a message', name);
    const { id = this.#parts.random.id(), timeout, signal } = readOptions('ask', options, ASK);
    const until = this.#until('waiting for an answer of', signal);
    const answer = await ask(this.#parts.partition, {
      ...{ workflow: this.workflow, id: this.id, timeout, until, isRepeatable: options.id !== undefined },
      message: { kind: 'message', id, name, payload: await this.#checked(name, payload) },
      run: () => ({ run: this.#run, generation: this.#generation }),
      tell: (message) => this.#tell(message),
    });
    return answer as T;
  }

  async approvals(): Promise<readonly Approval[]> {
    return openIn(await this.#find());
  }

  async approve(approval: WhichApproval, answer: unknown, by?: string): Promise<boolean> {
    if (by !== undefined && typeof by !== 'string') {
      throw new MisuseError(`Whoever approves is named by text; got ${display(by)}.`);
    }
    const which = requireApproval(approval);
    const given = { answer, ...(by === undefined ? {} : { by }) };
    const payload = await this.#checked(approvalMessage(which.name), given);
    return approve(this.#parts.partition.store, {
      ...{ run: this.#run, which, payload },
      find: () => this.#find(),
    });
  }

  async #checked(name: string, payload: unknown): Promise<unknown> {
    const value = await check(this.#definition.messages[name], payload, `the message "${name}"`);
    encodeValue(value, `The message "${name}"`);
    return value;
  }

  async cancel(reason = 'somebody asked for it'): Promise<boolean> {
    if (typeof reason !== 'string') {
      throw new MisuseError(`The reason of a cancel is text; got ${display(reason)}.`);
    }
    return this.#tell({ kind: 'cancel', reason: reason.slice(0, 1_000) });
  }

  async terminate(reason = 'it was terminated'): Promise<boolean> {
    if (typeof reason !== 'string') {
      throw new MisuseError(`The reason of a termination is text; got ${display(reason)}.`);
    }
    const { partition, retain, clock } = this.#parts;
    const { word, generation } = await terminate(partition.store, this.#ref, {
      ...{ reason: reason.slice(0, 1_000), retain, clock },
    });
    if (word === 'unknown') throw this.#gone();
    // Also of one that is over: whoever was told to terminate it once more is then told whether replicas have that.
    await onReplicas(partition.store, { run: this.#run, generation });
    return word === 'terminated';
  }

  async purge(): Promise<boolean> {
    const purged = await purge(this.#parts.partition.store, this.#ref);
    if (purged === 'unknown') throw this.#gone();
    return purged === 'purged';
  }

  get #ref(): RunRef {
    return { run: this.#run, generation: this.#generation };
  }

  async retry(options: RetryOptions = {}): Promise<boolean> {
    const { from } = readOptions('retry', options, RETRY);
    const isRetried = await retry(this.#retryParts, { run: this.#run, from });
    if (isRetried === undefined) throw this.#gone();
    return isRetried;
  }

  async fork(options: ForkOptions = {}): Promise<Run<Result>> {
    const { random } = this.#parts;
    const { from, id = random.id() } = readOptions('fork', options, FORK);
    const name = { id, key: this.key ?? this.id };
    const to = runName({ ...name, workflow: this.workflow });
    const { declarations } = this.#parts.partition;
    const parts = { ...this.#retryParts, workflow: this.#definition, declarations };
    const generation = await fork(parts, { run: this.#run, to, from });
    if (generation === undefined) throw this.#gone();
    return new RunHandle<Result>(this.#definition, name, this.#parts, { generation });
  }

  async history(): Promise<readonly JournalRecord[]> {
    const { generation } = await this.#find();
    const records = await readJournal(this.#parts.partition.store, { run: this.#run, generation });
    if (records.length === 0) throw this.#gone();
    return records;
  }

  stream<T>(name: string, options: StreamOptions = {}): AsyncIterable<StreamItem<T>> {
    const { from, attempts: all = false, signal } = readOptions('stream', options, STREAM);
    const given = {
      run: { run: this.#run, generation: this.#generation },
      stream: requireStreamName(name),
      from: readPosition(from),
      all,
      signal,
    };
    return { [Symbol.asyncIterator]: () => this.#read<T>(given) };
  }

  async *#read<T>({
    signal,
    ...given
  }: Omit<ReadOptions, 'signal'> & { signal: AbortSignal | undefined }): AsyncGenerator<StreamItem<T>, void> {
    const { partition } = this.#parts;
    const until = this.#until(`reading the stream "${given.stream}" of`, signal);
    await until.of(partition.listen());
    const items = partition.readers.read<T>({ ...given, signal: until.signal });
    try {
      for (;;) {
        const { done, value } = await until.of(items.next());
        if (done) break;
        if (value === undefined) throw this.#gone();
        yield value;
      }
    } finally {
      void items.return(); // not awaited: it may be in a call that is not answered
    }
    if (until.signal.aborted) throw until.error;
  }

  /** Throws MisuseError, AbortedError. */
  #until(doing: string, signal: AbortSignal | undefined): Until {
    const { closed } = this.#parts.partition.store;
    return new Until(`${doing} the run "${this.id}" of "${this.workflow}"`, closed, signal);
  }

  get #retryParts(): RetryParts {
    const { partition, random, retain } = this.#parts;
    return { store: partition.store, random, retain };
  }

  async #tell(record: JournalRecord, isResult = false): Promise<boolean> {
    const text = encodeRecord(record);
    for (;;) {
      const told: Told = await this.#parts.partition.store.tell(
        { run: this.#run, generation: this.#generation },
        text,
        isResult,
      );
      if (told.word === 'unknown') throw this.#gone();
      if (told.word === 'told' || (told.word === 'over' && isResult))
        await onReplicas(this.#parts.partition.store, this.#ref);
      if (told.word !== 'gen') return told.word === 'told';
      this.#generation = told.generation;
    }
  }

  async #find(): Promise<FoundRun> {
    for (;;) {
      const found = await this.#parts.partition.store.find(
        { run: this.#run, generation: this.#generation },
        '',
      );
      if (found.word === 'unknown') throw this.#gone();
      this.#generation = found.generation;
      if (found.word !== 'gen') return found;
    }
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
