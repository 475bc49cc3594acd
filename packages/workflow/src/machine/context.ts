/**
 * What a workflow's function is given: the calls whose results the journal keeps.
 *
 * Guarantees: a call that takes a number takes it when it is made, in the order of the calls of its scope. A call in a scope
 * that is cancelled rejects with the AbortedError of the cancel. A promise that nobody handles ends no process.
 */
import {
  callback,
  display,
  duration,
  MisuseError,
  readOptions,
  type Schema,
  whole,
  withDefault,
} from '@holdfast/kernel';
import type { Message } from '../journal/record.js';
import { encodeValue, hashOf } from '../json.js';
import { parseRunName } from '../run-name.js';
import { check } from '../schema.js';
import {
  type OnceOptions,
  readOnceOptions,
  readStepOptions,
  readUndoOptions,
  type Step,
  type StepBody,
  type StepOptions,
  type StepSettings,
  type UndoOptions,
} from '../step/options.js';
import type { RunRef } from '../store/claim.js';
import type { TaskQueue } from '../task.js';
import {
  readBranches,
  readTime,
  requireBody,
  requireCallName,
  requireItems,
  requireRacers,
  TIMEOUT,
} from './arguments.js';
import { type Asker, addTask, askApproval, readTask } from './asking.js';
import { type Brancher, nothing, runAll, runRace, runScope } from './branches.js';
import {
  type ChildOptions,
  type ChildWorkflow,
  childOf,
  readChildOptions,
  readChildWorkflow,
} from './child.js';
import { runLoop } from './loop.js';
import type { Machine } from './machine.js';
import type { Published } from './published.js';
import { type ReceivedMessage, received } from './received.js';
import { cancelledBy, Scope } from './scope.js';
import type {
  Approved,
  ApproveOptions,
  Branch,
  Branches,
  Pass,
  Results,
  ScopeBody,
  TaskOptions,
  WorkflowContext,
} from './workflow-context.js';

/** What contexts of one run share. */
export interface ContextHost {
  readonly machine: Machine;
  /** The run, and the journal that counts. */
  readonly self: RunRef;
  /** The W3C trace context of its start, which its children have too. */
  readonly trace?: string | undefined;
  /** Of the inputs of its workflow. */
  readonly input?: Schema | undefined;
  readonly now: () => number;
  readonly published: Published;
}

const MAP = { concurrency: withDefault(whole(1, 10_000), 10) };

export class Context implements WorkflowContext {
  readonly #host: ContextHost;
  readonly #scope: Scope;

  /** A number of the context's scope, for what makes steps under keys of its own. It is late where a step would be. */
  static takeNumber(context: WorkflowContext, place: string): string {
    if (!(context instanceof Context)) {
      throw new MisuseError(`${place} takes the context of a workflow's function; got ${display(context)}.`);
    }
    return context.#isInTurn(place) ? context.#scope.takeNumber() : '';
  }

  constructor(host: ContextHost, scope: Scope) {
    this.#host = host;
    this.#scope = scope;
  }

  get id(): string {
    return parseRunName(this.#host.self.run).id;
  }

  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  get state() {
    return { set: (value: unknown) => this.#host.published.set(value) };
  }

  now(): number {
    return this.#host.machine.time();
  }

  random(): number {
    return this.#host.machine.chance(this.#scope);
  }

  patch(name: string): boolean {
    requireCallName('The name of a patch', name);
    return this.#host.machine.isPatched(name);
  }

  step<T>(name: string, body: StepBody<T>, options?: StepOptions<T>): Promise<T> {
    return this.#step('step', { name, body }, () => readStepOptions(options));
  }

  once<T>(name: string, body: StepBody<T>, options?: OnceOptions): Promise<T> {
    return this.#step('once', { name, body }, () => readOnceOptions(options));
  }

  compensate(name: string, undo: (step: Step) => unknown, options?: UndoOptions): void {
    requireCallName('The name of a compensation', name);
    callback()('The compensation', undo);
    this.#host.machine.compensate({ name, undo, settings: readUndoOptions(options) });
  }

  settled(): void {
    this.#host.machine.settled();
  }

  #step<T>(
    mode: 'step' | 'once',
    { name, body }: { readonly name: string; readonly body: StepBody<T> },
    read: () => StepSettings,
  ): Promise<T> {
    try {
      requireCallName('The name of a step', name);
      requireBody(`the step "${name}"`, body);
      const settings = read();
      const { key } = settings;
      const of = hashOf(settings.of, name);
      const scope = this.#scope;
      if (key === undefined && !this.#isInTurn(`the step "${name}"`)) return nothing();
      if (scope.cancelled) throw scope.cancelled;
      const id = key === undefined ? scope.takeNumber() : scope.takeKey(key);
      return this.#host.machine.beginStep(scope, { id, name, of, body, settings, mode }) as Promise<T>;
    } catch (error) {
      return quiet(() => Promise.reject(error));
    }
  }

  sleep(ms: number): Promise<void> {
    return quiet(async () => {
      const delay = duration({ max: Number.MAX_SAFE_INTEGER })('The time to sleep', ms);
      await this.#wait('sleep', { due: () => Math.ceil(this.#host.now() + delay) });
    });
  }

  sleepUntil(time: Date | number): Promise<void> {
    return quiet(async () => {
      const at = readTime(time);
      await this.#wait('sleep', { due: () => Math.ceil(at) });
    });
  }

  receive<T = unknown>(name: string, options: { readonly timeout?: number } = {}): Promise<T | undefined> {
    return quiet(async () => {
      const { timeout } = readOptions('receive', options, TIMEOUT);
      return (await this.#receive(name, timeout))?.payload as T | undefined;
    });
  }

  receiveMessage<T = unknown>(
    name: string,
    options: { readonly timeout?: number } = {},
  ): Promise<ReceivedMessage<T> | undefined> {
    return quiet(async () => {
      const { timeout } = readOptions('receiveMessage', options, TIMEOUT);
      const message = await this.#receive(name, timeout);
      const reply = (id: string, value: unknown): void => this.#host.machine.reply(id, value);
      return message && (received(message, reply) as ReceivedMessage<T>);
    });
  }

  child<Input, Result>(
    workflow: ChildWorkflow<Input, Result>,
    input: Input,
    options?: ChildOptions,
  ): Promise<Result> {
    return quiet(async () => {
      const { name, input: schema } = readChildWorkflow(workflow);
      const { key, onParentEnd } = readChildOptions(options);
      const place = `the child "${name}"`;
      const scope = this.#scope;
      if (key === undefined && !this.#isInTurn(place)) return nothing();
      if (scope.cancelled) throw scope.cancelled;
      const id = key === undefined ? scope.takeNumber() : scope.takeKey(key);
      const value = await check(schema, input, `The input of ${place}`);
      encodeValue(value, `The input of ${place}`);
      // A schema may have awaited something.
      if (key === undefined && !this.#isInTurn(place)) return nothing();
      if (scope.cancelled) throw scope.cancelled;
      const { machine, self, trace } = this.#host;
      const child = childOf(self, { id, workflow: name, input: value, onParentEnd, trace });
      return machine.beginChild(scope, { id, name, child }) as Promise<Result>;
    });
  }

  approve<T = unknown>(name: string, options: ApproveOptions = {}): Promise<Approved<T> | undefined> {
    const { published, self } = this.#host;
    const wait: Asker['wait'] = (named, timeout, receives) => this.#waitFor(named, timeout, receives);
    const asker = { published, generation: self.generation, wait };
    return quiet(() => askApproval(asker, name, options)) as Promise<Approved<T> | undefined>;
  }

  task<Result = unknown>(queue: TaskQueue, data: unknown, options: TaskOptions = {}): Promise<Result> {
    return quiet(async () => {
      const task = readTask(queue, data, options);
      if (!this.#isInTurn('ctx.task')) return nothing();
      const scope = new Scope(`${this.#scope.takeNumber()}.`, this.#scope);
      return addTask(this.#within(scope), task) as Promise<Result>;
    });
  }

  async #receive(name: string, timeout: number | undefined): Promise<Message | undefined> {
    requireCallName('The name of a message', name);
    return this.#waitFor(name, timeout, () => name);
  }

  async #waitFor(
    name: string,
    timeout: number | undefined,
    receives: (place: string) => string,
  ): Promise<Message | undefined> {
    const due = timeout === undefined ? undefined : () => Math.ceil(this.#host.now() + timeout);
    return this.#wait(name, { due, receives }) as Promise<Message | undefined>;
  }

  all<const B extends Branches>(branches: B): Promise<Results<B>> {
    return quiet(async () => {
      const all = readBranches(branches);
      const results = await this.#runAll('ctx.all', {
        count: all.length,
        width: all.length,
        run: async (context, index) => all[index]?.run(context),
      });
      return Object.fromEntries(all.map(({ name }, index) => [name, results[index]])) as Results<B>;
    });
  }

  race<T>(branches: readonly Branch<T>[]): Promise<T> {
    return quiet(async () => {
      requireRacers(branches);
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
      requireItems(items);
      requireBody('ctx.map', body);
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
      requireBody('ctx.loop', body);
      if (!this.#isInTurn('ctx.loop')) return nothing();
      const run = async (scope: Scope, current: State) => body(this.#within(scope), current);
      return runLoop<State, Result>(this.#host.machine, { scope: this.#scope, state, run });
    });
  }

  continueAs(input: unknown): Promise<never> {
    return quiet(async () => {
      if (!this.#isInTurn('ctx.continueAs')) return nothing();
      const { machine, input: schema } = this.#host;
      const value = await check(schema, input, 'The input of ctx.continueAs');
      encodeValue(value, 'The input of ctx.continueAs');
      if (!this.#isInTurn('ctx.continueAs')) return nothing();
      const cancelled = this.#scope.cancelled ?? machine.root.cancelled;
      if (cancelled) throw cancelled;
      machine.continueAs(value);
      return nothing();
    });
  }

  scope<T>(body: ScopeBody<T>, options: { readonly timeout?: number } = {}): Promise<T> {
    return quiet(async () => {
      requireBody('ctx.scope', body);
      const { timeout } = readOptions('scope', options, TIMEOUT);
      if (!this.#isInTurn('ctx.scope')) return nothing();
      const id = this.#scope.takeNumber();
      const within = new Scope(`${id}.0.`, this.#scope);
      const { machine, now } = this.#host;
      const cancel = (why: string): void => {
        if (this.#isInTurn('the cancel of a scope')) machine.cancel(within, cancelledBy(why));
      };
      if (timeout !== undefined && !within.cancelled) {
        const due = () => Math.ceil(now() + timeout);
        const timer = machine.beginWait(within, { id, name: 'scope', due, receives: undefined });
        timer.then(
          () => cancel(`it took longer than its timeout of ${timeout} ms`),
          () => {},
        );
      }
      const run = async (): Promise<T> =>
        body(this.#within(within), (why = 'its function has said so') => cancel(why));
      return runScope(this.#brancher, within, run);
    });
  }

  shield<T>(body: Branch<T>): Promise<T> {
    return quiet(async () => {
      requireBody('ctx.shield', body);
      if (!this.#isInTurn('ctx.shield')) return nothing();
      return body(this.#within(new Scope(`${this.#scope.takeNumber()}.0.`)));
    });
  }

  async #wait(
    name: string,
    { due, receives }: { due: (() => number) | undefined; receives?: (place: string) => string },
  ): Promise<unknown> {
    if (!this.#isInTurn(`the wait "${name}"`)) return nothing();
    const scope = this.#scope;
    if (scope.cancelled) throw scope.cancelled;
    const id = scope.takeNumber();
    return this.#host.machine.beginWait(scope, { id, name, due, receives: receives?.(id) });
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
