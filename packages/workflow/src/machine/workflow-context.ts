/**
 * What a workflow's function is given: the calls whose results the journal keeps. What it is when they run: context.ts.
 */
import type { Schema } from '@holdfast/kernel';
import type { OnceOptions, Step, StepBody, StepOptions, UndoOptions } from '../step/options.js';
import type { TaskQueue } from '../task.js';
import type { ChildOptions, ChildWorkflow } from './child.js';
import type { ReceivedMessage } from './received.js';

/** A way that a call may go: it makes its own calls on the context that it is given. */
export type Branch<T> = (context: WorkflowContext) => Promise<T> | T;

export interface ApproveOptions {
  /** Who is asked. */
  readonly to?: string;
  /** What they are shown, any JSON. */
  readonly show?: unknown;
  /** In ms. Default: waits. */
  readonly timeout?: number;
}

/** What somebody has answered, and who it was, as `run.approve` said it. */
export interface Approved<T = unknown> {
  readonly answer: T;
  readonly by?: string;
}

export interface TaskOptions {
  /** Whether to wait for its result. Default false. */
  readonly reply?: boolean;
  /** How long to wait for its result, in ms. Default: waits. */
  readonly timeout?: number;
  /** For the journal. */
  readonly name?: string;
}

/** What runs in a scope: `cancel` cancels what else goes on there. */
export type ScopeBody<T> = (context: WorkflowContext, cancel: (reason?: string) => void) => Promise<T> | T;

export type Branches = Readonly<Record<string, Branch<unknown>>>;
export type Results<B> = { readonly [Name in keyof B]: B[Name] extends Branch<infer T> ? T : never };

/** What a pass of a loop comes to: another pass, or the end. */
export type Pass<State, Result> = { readonly next: State } | { readonly done: Result };

export interface WorkflowContext {
  /** The run's id. */
  readonly id: string;
  /** Aborts when what goes on in this scope is cancelled. */
  readonly signal: AbortSignal;
  readonly state: {
    /** Publishes a value, JSON, that anybody can read with `run.state()`; it goes out with the next commit. */
    set(value: unknown): void;
  };
  /** Runs `body` until it is done once, and gives what it gave, now and in every replay. Rejects with StepFailedError. */
  step<T>(name: string, body: StepBody<T>, options?: StepOptions<NoInfer<T>>): Promise<T>;
  /** The same, where a schema, any Standard Schema, says what the body is to give: another value is a failed attempt. */
  step<T>(
    name: string,
    body: StepBody<unknown>,
    options: StepOptions<NoInfer<T>> & { readonly schema: Schema<unknown, T> },
  ): Promise<T>;
  /**
   * Runs `body` at most once: for what can neither be repeated nor checked by a guard, such as an e-mail. If its worker is lost
   * after it has begun, or it takes longer than its timeout, rejects with UnknownOutcomeError; if it throws, with
   * StepFailedError. It costs one more commit, before the body.
   */
  once<T>(name: string, body: StepBody<T>, options?: OnceOptions): Promise<T>;
  /** Calls `undo`, as that of a step, if the run fails or is cancelled from now on. */
  compensate(name: string, undo: (step: Step) => unknown, options?: UndoOptions): void;
  /** What was done by now is not undone, whatever becomes of the run. */
  settled(): void;
  /** The time by the server's clock, in ms since the epoch. Between two calls' ends it does not pass; a replay is told the same. */
  now(): number;
  /** A number in [0, 1) by chance; a replay is given the same. Not for secrets. */
  random(): number;
  /**
   * Whether the run takes a change of its function that it may have been under way before: false for one that had already
   * come past this place. One answer for a name and run.
   */
  patch(name: string): boolean;
  /** Waits `ms` milliseconds by the server's clock; no worker is kept busy meanwhile. */
  sleep(ms: number): Promise<void>;
  /** The same, until a time: a Date, or ms since the epoch. */
  sleepUntil(time: Date | number): Promise<void>;
  /** The payload of the next message of that name; undefined if none has come within `timeout` ms. Default: waits. */
  receive<T = unknown>(name: string, options?: { readonly timeout?: number }): Promise<T | undefined>;
  /**
   * Runs another workflow as a child, which any worker that has that workflow may take, and gives its result, now and in every
   * replay. By its name, this program needs nothing of it, and no schema checks the input. It lives in the partition of this
   * run. Rejects with RunFailedError or RunCancelledError; is cancelled with the scope in which it is waited for. Throws
   * MisuseError for an input that does not fit.
   */
  child<Input, Result>(
    workflow: ChildWorkflow<Input, Result>,
    input: Input,
    options?: ChildOptions,
  ): Promise<Result>;
  /** The same, as a message that can be answered, for `run.ask`. */
  receiveMessage<T = unknown>(
    name: string,
    options?: { readonly timeout?: number },
  ): Promise<ReceivedMessage<T> | undefined>;
  /**
   * Waits until somebody answers with `run.approve`; undefined if nobody has within `timeout` ms. Meanwhile it is in
   * `run.approvals()`. An approval has a name of its own among those that are open, and one answer.
   */
  approve<T = unknown>(name: string, options?: ApproveOptions): Promise<Approved<T> | undefined>;
  /**
   * Adds a task to a queue: anything with `add(data, { id })`, under an id that is the same for every attempt. With `reply`
   * it waits for the task's result, which a handler in `replyTo` sends; rejects with StepFailedError if the task has failed
   * for good, or has no result within `timeout` ms.
   */
  task<Result = unknown>(queue: TaskQueue, data: unknown, options?: TaskOptions): Promise<Result>;
  /** Runs all branches, and gives their results by name. If one fails, the others are cancelled. */
  all<const B extends Branches>(branches: B): Promise<Results<B>>;
  /** What the first branch gives or throws; the others are cancelled. */
  race<T>(branches: readonly Branch<T>[]): Promise<T>;
  /** Runs `body` for each item, at most `concurrency` at a time, and gives the results in their order. Default: 10. */
  map<Item, T>(
    items: readonly Item[],
    body: (context: WorkflowContext, item: Item, index: number) => Promise<T> | T,
    options?: { readonly concurrency?: number },
  ): Promise<T[]>;
  /**
   * Ends what goes on here, and begins the function anew with another input, over an empty journal, under the same id: for
   * runs that go on for ever. Messages that were not taken go along. Bodies are stopped, and children are treated as if the
   * run had ended. Throws MisuseError where something may have to be undone.
   */
  continueAs(input: unknown): Promise<never>;
  /**
   * Runs `body` pass after pass, each with the state that the pass before has given, until one is done. A pass knows of those
   * before by its state only, which is JSON: after 1,000 of them, where nothing else is open, they leave the journal.
   */
  loop<State, Result>(
    state: State,
    body: (context: WorkflowContext, state: State) => Promise<Pass<State, Result>>,
  ): Promise<Result>;
  /**
   * Runs `body` in a scope that is cancelled by itself: after `timeout` ms, or by calling `cancel`. What it waits for then
   * rejects with an AbortedError, and its bodies' signals abort. What `body` leaves open is cancelled when it ends.
   */
  scope<T>(body: ScopeBody<T>, options?: { readonly timeout?: number }): Promise<T>;
  /** Runs what is not to be cancelled with the run, such as what it has to clean up. */
  shield<T>(body: Branch<T>): Promise<T>;
}
