/**
 * What a workflow's function is given: the calls whose results the journal keeps.
 *
 * Guarantees: a call that takes a number takes it when it is made, in the order of the calls of its scope. A call in a scope
 * that is cancelled rejects with the AbortedError of the cancel. A promise that nobody handles ends no process.
 */
import { display, duration, MisuseError, optional, readOptions, whole, withDefault } from '@holdfast/kernel';
import { encodeValue } from '../json.js';
import { readStepOptions, type StepBody, type StepOptions } from '../step/options.js';
import { type Brancher, nothing, runAll, runRace } from './branches.js';
import type { Machine } from './machine.js';
import { Scope } from './scope.js';

/** A way that a call may go: it makes its own calls on the context that it is given. */
export type Branch<T> = (context: WorkflowContext) => Promise<T> | T;

type Branches = Readonly<Record<string, Branch<unknown>>>;
type Results<B> = { readonly [Name in keyof B]: B[Name] extends Branch<infer T> ? T : never };

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
  step<T>(name: string, body: StepBody<T>, options?: StepOptions): Promise<T>;
  /** Waits `ms` milliseconds by the server's clock; no worker is kept busy meanwhile. */
  sleep(ms: number): Promise<void>;
  /** The same, until a time: a Date, or ms since the epoch. */
  sleepUntil(time: Date | number): Promise<void>;
  /** The payload of the next message of that name; undefined if none has come within `timeout` ms. Default: waits. */
  receive<T = unknown>(name: string, options?: { readonly timeout?: number }): Promise<T | undefined>;
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
  /** Runs `body` pass after pass, each with the state that the pass before has given, until one is done. */
  loop<State, Result>(
    state: State,
    body: (context: WorkflowContext, state: State) => Promise<Pass<State, Result>>,
  ): Promise<Result>;
  /** Runs what is not to be cancelled with the run, such as what it has to clean up. */
  shield<T>(body: Branch<T>): Promise<T>;
}

/** What contexts of one run share. */
export interface ContextHost {
  readonly machine: Machine;
  readonly id: string;
  readonly now: () => number;
  /** The text of a state to publish. */
  readonly publish: (state: string) => void;
}

const RECEIVE = { timeout: optional(duration()) };
const MAP = { concurrency: withDefault(whole(1, 10_000), 10) };
const CONTROL = /\p{Cc}|\p{Cs}/u;

export class Context implements WorkflowContext {
  readonly #host: ContextHost;
  readonly #scope: Scope;

  constructor(host: ContextHost, scope: Scope) {
    this.#host = host;
    this.#scope = scope;
  }

  get id(): string {
    return this.#host.id;
  }

  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  get state() {
    return { set: (value: unknown) => this.#host.publish(encodeValue(value, 'The state')) };
  }

  step<T>(name: string, body: StepBody<T>, options?: StepOptions): Promise<T> {
    return quiet(async () => {
      requireCallName('The name of a step', name);
      if (typeof body !== 'function') {
        throw new MisuseError(`The body of the step "${name}" is a function; got ${display(body)}.`);
      }
      const settings = readStepOptions(options);
      const { key } = settings;
      const scope = this.#scope;
      if (key === undefined && !this.#isInTurn(`the step "${name}"`)) return nothing();
      if (scope.cancelled) throw scope.cancelled;
      const id = key === undefined ? scope.takeNumber() : scope.takeKey(key);
      return this.#host.machine.beginStep(scope, { id, name, body, settings }) as Promise<T>;
    });
  }

  sleep(ms: number): Promise<void> {
    return quiet(async () => {
      const delay = duration({ max: Number.MAX_SAFE_INTEGER })('The time to sleep', ms);
      await this.#wait('sleep', { due: () => Math.ceil(this.#host.now() + delay) });
    });
  }

  sleepUntil(time: Date | number): Promise<void> {
    return quiet(async () => {
      const at = Number(time);
      if (!Number.isFinite(at)) {
        throw new MisuseError(
          `The time to sleep until is a Date, or ms since the epoch; got ${display(time)}.`,
        );
      }
      await this.#wait('sleep', { due: () => Math.ceil(at) });
    });
  }

  receive<T = unknown>(name: string, options: { readonly timeout?: number } = {}): Promise<T | undefined> {
    return quiet(async () => {
      requireCallName('The name of a message', name);
      const { timeout } = readOptions('receive', options, RECEIVE);
      const due = timeout === undefined ? undefined : () => Math.ceil(this.#host.now() + timeout);
      return this.#wait(name, { due, receives: name }) as Promise<T | undefined>;
    });
  }

  all<const B extends Branches>(branches: B): Promise<Results<B>> {
    return quiet(async () => {
      const names = Object.keys(branches);
      const results = await this.#runAll('ctx.all', {
        count: names.length,
        width: names.length,
        run: async (context, index) => (branches[names[index] ?? ''] as Branch<unknown>)(context),
      });
      return Object.fromEntries(names.map((name, index) => [name, results[index]])) as Results<B>;
    });
  }

  race<T>(branches: readonly Branch<T>[]): Promise<T> {
    return quiet(async () => {
      if (!Array.isArray(branches) || branches.length === 0) {
        throw new MisuseError(`ctx.race takes at least one branch, in an array; got ${display(branches)}.`);
      }
      if (!this.#isInTurn('ctx.race')) return nothing();
      const run = async (scope: Scope, index: number) => (branches[index] as Branch<T>)(this.#within(scope));
      return runRace(this.#brancher, { place: 'ctx.race', count: branches.length, run });
    });
  }

  map<Item, T>(
    items: readonly Item[],
    body: (context: WorkflowContext, item: Item, index: number) => Promise<T> | T,
    options: { readonly concurrency?: number } = {},
  ): Promise<T[]> {
    return quiet(async () => {
      const { concurrency } = readOptions('map', options, MAP);
      return this.#runAll('ctx.map', {
        count: items.length,
        width: concurrency,
        run: async (context, index) => body(context, items[index] as Item, index),
      });
    });
  }

  loop<State, Result>(
    state: State,
    body: (context: WorkflowContext, state: State) => Promise<Pass<State, Result>>,
  ): Promise<Result> {
    return quiet(async () => {
      if (!this.#isInTurn('ctx.loop')) return nothing();
      const id = this.#scope.takeNumber();
      let current = state;
      for (let pass = 0; ; pass += 1) {
        const scope = new Scope(`${id}.${pass}.`, this.#scope);
        const made = await body(this.#within(scope), current);
        scope.leave(this.#scope);
        if ('done' in made) return made.done;
        current = made.next;
      }
    });
  }

  shield<T>(body: Branch<T>): Promise<T> {
    return quiet(async () => {
      if (!this.#isInTurn('ctx.shield')) return nothing();
      return body(this.#within(new Scope(`${this.#scope.takeNumber()}.0.`)));
    });
  }

  async #wait(name: string, wait: { due: (() => number) | undefined; receives?: string }): Promise<unknown> {
    if (!this.#isInTurn(`the wait "${name}"`)) return nothing();
    const scope = this.#scope;
    if (scope.cancelled) throw scope.cancelled;
    const { due, receives } = wait;
    return this.#host.machine.beginWait(scope, { id: scope.takeNumber(), name, due, receives });
  }

  async #runAll<T>(
    place: string,
    { run, ...shape }: { count: number; width: number; run: (context: Context, index: number) => Promise<T> },
  ): Promise<T[]> {
    if (!this.#isInTurn(place)) return nothing();
    return runAll(this.#brancher, {
      ...shape,
      place,
      run: (scope, index) => run(this.#within(scope), index),
    });
  }

  #isInTurn(place: string): boolean {
    return this.#host.machine.isInTurn(
      this.#scope.prefix === '' ? place : `${place} in ${this.#scope.prefix}`,
    );
  }

  get #brancher(): Brancher {
    const { machine } = this.#host;
    return {
      scope: this.#scope,
      isInTurn: (place) => machine.isInTurn(place),
      cancel: (scope, reason) => machine.cancel(scope, reason),
    };
  }

  #within(scope: Scope): Context {
    return new Context(this.#host, scope);
  }
}

/** The promise of a call; one that rejects when nobody handles it, as after a race, ends no process. */
function quiet<T>(call: () => Promise<T>): Promise<T> {
  const made = call();
  made.catch(() => {});
  return made;
}

/** 1 to 200 characters. Throws MisuseError. */
export function requireCallName(what: string, name: unknown): void {
  if (typeof name === 'string' && name.length > 0 && name.length <= 200 && !CONTROL.test(name)) return;
  throw new MisuseError(`${what} is 1 to 200 characters without control characters; got ${display(name)}.`);
}
