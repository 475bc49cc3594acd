/**
 * The workflows that are simulated: a function that follows the program in its input, and bodies that somebody watches.
 */
import type { Limits, Step, StepOptions, TaskQueue, Workflow, WorkflowContext } from '@holdfast/workflow';
import type { Subject } from '../run/subject.js';
import { ATTEMPTS, type BodyPlan, NOTHING, type Program } from './program.js';

/** What a run answers to a message. */
export const answerTo = (id: string): string => `${id}!`;

/** What undoes a step is done at once. */
const undoing = ({ guarded, heedless }: BodyPlan): BodyPlan => ({ ...NOTHING, guarded, heedless });

/** What a step gives whose result may be another run's. */
export const resultOf = (name: string, { cache }: BodyPlan): string =>
  cache === undefined ? name : `cached ${cache}`;

/** Runs a body; its steps are named by their places in the program. */
type RunBody = (step: Step, name: string, body: BodyPlan, isOnce?: boolean) => Promise<string>;

/** For how long results are kept for other runs, in ms. */
const CACHED = 2_000;

type ProgramWorkflow = Workflow<Program, unknown>;

export interface ProgramWorkflows {
  readonly tree: ProgramWorkflow;
  /** Of children. */
  readonly leaf: ProgramWorkflow;
}

export interface ProgramOptions {
  readonly runBody: RunBody;
  readonly backoff: number;
  /** Of the function of trees: a higher one begins with a step that a lower one does not know. */
  readonly build: number;
  readonly pinned: boolean;
  readonly limits: Limits | undefined;
  readonly queue: TaskQueue;
}

export function makeWorkflows({ defineWorkflow }: Subject, options: ProgramOptions): ProgramWorkflows {
  const { build, pinned, limits } = options;
  const leaf: ProgramWorkflow = defineWorkflow({ name: 'leaf' }, (ctx, program: Program) =>
    follower.follow(ctx, program),
  );
  const follower = new Follower(options, leaf);
  const tree = defineWorkflow(
    { name: 'tree', build, pinned, ...(limits && { limits }) },
    async (ctx, program: Program) => {
      if (build > 0 && ctx.patch('build')) await ctx.step('of the build', () => 'done');
      return follower.follow(ctx, program);
    },
  );
  return { tree, leaf };
}

type Part<F extends Program['f']> = Extract<Program, { f: F }>;

/** Does what a program says. */
class Follower {
  readonly #runBody: RunBody;
  readonly #queue: TaskQueue;
  readonly #leaf: ProgramWorkflow;
  readonly #settings: Pick<StepOptions, 'attempts' | 'backoff'>;

  constructor({ runBody, backoff, queue }: ProgramOptions, leaf: ProgramWorkflow) {
    this.#runBody = runBody;
    this.#queue = queue;
    this.#leaf = leaf;
    this.#settings = { attempts: ATTEMPTS, backoff: { type: 'constant', delay: backoff } };
  }

  follow(ctx: WorkflowContext, program: Program): Promise<unknown> {
    switch (program.f) {
      case 'step':
        return this.#step(ctx, program);
      case 'once':
        return this.#once(ctx, program);
      case 'sleep':
        if (program.until) return ctx.sleepUntil(ctx.now() + program.for).then(() => 'slept');
        return ctx.sleep(program.for).then(() => 'slept');
      case 'receive':
        return this.#receive(ctx, program);
      case 'approve':
        return ctx.approve(program.name, waitOf(program)).then((approved) => approved?.answer ?? null);
      case 'task':
        return ctx.task(this.#queue, program.name, { reply: true });
      case 'state':
        ctx.state.set(program.name);
        return Promise.resolve(program.name);
      case 'compensate':
        return this.#compensate(ctx, program);
      case 'patch':
        return Promise.resolve(ctx.patch('change') ? 'new' : 'old');
      case 'child':
        return ctx.child(this.#leaf, program.of);
      default:
        return this.#branch(ctx, program);
    }
  }

  #branch(
    ctx: WorkflowContext,
    program: Part<'loop' | 'scope' | 'again' | 'turn' | 'all' | 'plain' | 'race'>,
  ): Promise<unknown> {
    switch (program.f) {
      case 'loop':
        return this.#loop(ctx, program);
      case 'scope':
        return this.#scope(ctx, program);
      case 'again':
        return this.follow(ctx, program.first).then(() => {
          ctx.settled();
          return ctx.continueAs(program.next);
        });
      case 'turn':
        return this.#inTurn(ctx, program.parts);
      case 'all':
        return ctx.map(program.parts, (branch, part) => this.follow(branch, part));
      case 'plain':
        return Promise.all(program.parts.map((part) => ctx.shield((branch) => this.follow(branch, part))));
      case 'race':
        return ctx.race(
          program.parts.map(
            (part, won) => (branch: WorkflowContext) =>
              this.follow(branch, part).then((value) => ({ won, value })),
          ),
        );
    }
  }

  #step(ctx: WorkflowContext, { name, body }: Part<'step'>): Promise<string> {
    const { keyed, cache } = body;
    const undo = (step: Step): Promise<string> => this.#runBody(step, `undo ${name}`, undoing(body));
    return ctx.step(cache === undefined ? name : 'cached', (step) => this.#runBody(step, name, body), {
      ...this.#settings,
      ...(keyed && { key: `k${name}` }),
      ...(cache !== undefined && { cache: { key: cache, ttl: CACHED } }),
      ...(body.undo && { undo }),
    });
  }

  async #once(ctx: WorkflowContext, { name, body }: Part<'once'>): Promise<string> {
    try {
      return await ctx.once(name, (step) => this.#runBody(step, name, body, true));
    } catch (error) {
      if (codeOf(error) === 'HOLDFAST_UNKNOWN_OUTCOME') return 'unknown';
      throw error;
    }
  }

  async #receive(ctx: WorkflowContext, program: Part<'receive'>): Promise<unknown> {
    const message = await ctx.receiveMessage('go', waitOf(program));
    if (program.answers) message?.reply(answerTo(message.id));
    return message?.payload ?? null;
  }

  #compensate(ctx: WorkflowContext, { name, body }: Part<'compensate'>): Promise<string> {
    ctx.compensate(name, (step) => this.#runBody(step, `undo ${name}`, body), this.#settings);
    return Promise.resolve(name);
  }

  #loop(ctx: WorkflowContext, { of, passes }: Part<'loop'>): Promise<unknown[]> {
    return ctx.loop<unknown[], unknown[]>([], async (branch, before) => {
      const values = [...before, await this.follow(branch, of)];
      return values.length === passes ? { done: values } : { next: values };
    });
  }

  async #scope(ctx: WorkflowContext, { of, timeout }: Part<'scope'>): Promise<unknown> {
    try {
      return { value: await ctx.scope((branch) => this.follow(branch, of), { timeout }) };
    } catch (error) {
      if (codeOf(error) === 'HOLDFAST_ABORTED' && !ctx.signal.aborted) return 'late';
      throw error;
    }
  }

  async #inTurn(ctx: WorkflowContext, parts: readonly Program[]): Promise<unknown[]> {
    const values: unknown[] = [];
    for (const part of parts) values.push(await this.follow(ctx, part));
    return values;
  }
}

const waitOf = ({ timeout }: { readonly timeout?: number }): { timeout?: number } =>
  timeout === undefined ? {} : { timeout };

const codeOf = (error: unknown): string => String((error as { code?: unknown } | undefined)?.code);
