/**
 * The workflows that are simulated: a function that follows the program in its input, and bodies that somebody watches.
 */
import type { Limits, Step, TaskQueue, Workflow, WorkflowContext } from '@holdfast/workflow';
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

export function makeWorkflows(
  { defineWorkflow }: Subject,
  { runBody, backoff, build, pinned, limits, queue }: ProgramOptions,
): ProgramWorkflows {
  const settings = { attempts: ATTEMPTS, backoff: { type: 'constant', delay: backoff } } as const;

  function follow(ctx: WorkflowContext, program: Program): Promise<unknown> {
    switch (program.f) {
      case 'step': {
        const { name, body } = program;
        const { keyed, cache } = body;
        return ctx.step(cache === undefined ? name : 'cached', (step) => runBody(step, name, body), {
          ...settings,
          ...(keyed && { key: `k${name}` }),
          ...(cache !== undefined && { cache: { key: cache, ttl: CACHED } }),
          ...(body.undo && { undo: (step: Step) => runBody(step, `undo ${name}`, undoing(body)) }),
        });
      }
      case 'once':
        return once(ctx, program);
      case 'sleep':
        if (program.until) return ctx.sleepUntil(ctx.now() + program.for).then(() => 'slept');
        return ctx.sleep(program.for).then(() => 'slept');
      case 'approve': {
        const { name, timeout } = program;
        const waits = timeout === undefined ? {} : { timeout };
        return ctx.approve(name, waits).then((approved) => approved?.answer ?? null);
      }
      case 'task':
        return ctx.task(queue, program.name, { reply: true });
      case 'state':
        ctx.state.set(program.name);
        return Promise.resolve(program.name);
      case 'compensate': {
        const { name, body } = program;
        ctx.compensate(name, (step) => runBody(step, `undo ${name}`, body), settings);
        return Promise.resolve(name);
      }
      case 'patch':
        return Promise.resolve(ctx.patch('change') ? 'new' : 'old');
      case 'loop':
        return loop(ctx, program);
      case 'scope':
        return scope(ctx, program);
      case 'again':
        return follow(ctx, program.first).then(() => {
          ctx.settled();
          return ctx.continueAs(program.next);
        });
      case 'receive': {
        const { timeout, answers } = program;
        return ctx.receiveMessage('go', timeout === undefined ? {} : { timeout }).then((message) => {
          if (answers) message?.reply(answerTo(message.id));
          return message?.payload ?? null;
        });
      }
      case 'child':
        return ctx.child(leaf, program.of);
      case 'turn':
        return inTurn(ctx, program.parts);
      case 'all':
        return ctx.map(program.parts, (branch, part) => follow(branch, part));
      case 'plain':
        return Promise.all(program.parts.map((part) => ctx.shield((branch) => follow(branch, part))));
      case 'race':
        return ctx.race(
          program.parts.map(
            (part, won) => (branch: WorkflowContext) =>
              follow(branch, part).then((value) => ({ won, value })),
          ),
        );
    }
  }

  async function once(
    ctx: WorkflowContext,
    { name, body }: Extract<Program, { f: 'once' }>,
  ): Promise<unknown> {
    try {
      return await ctx.once(name, (step) => runBody(step, name, body, true));
    } catch (error) {
      if (codeOf(error) === 'HOLDFAST_UNKNOWN_OUTCOME') return 'unknown';
      throw error;
    }
  }

  function loop(ctx: WorkflowContext, { of, passes }: Extract<Program, { f: 'loop' }>): Promise<unknown[]> {
    return ctx.loop<unknown[], unknown[]>([], async (branch, before) => {
      const values = [...before, await follow(branch, of)];
      return values.length === passes ? { done: values } : { next: values };
    });
  }

  async function scope(
    ctx: WorkflowContext,
    { of, timeout }: Extract<Program, { f: 'scope' }>,
  ): Promise<unknown> {
    try {
      return { value: await ctx.scope((branch) => follow(branch, of), { timeout }) };
    } catch (error) {
      if (codeOf(error) === 'HOLDFAST_ABORTED' && !ctx.signal.aborted) return 'late';
      throw error;
    }
  }

  async function inTurn(ctx: WorkflowContext, parts: readonly Program[]): Promise<unknown[]> {
    const values: unknown[] = [];
    for (const part of parts) values.push(await follow(ctx, part));
    return values;
  }

  const leaf = defineWorkflow({ name: 'leaf' }, (ctx, program: Program) => follow(ctx, program));
  const tree = defineWorkflow(
    { name: 'tree', build, pinned, ...(limits && { limits }) },
    async (ctx, program: Program) => {
      if (build > 0 && ctx.patch('build')) await ctx.step('of the build', () => 'done');
      return follow(ctx, program);
    },
  );
  return { tree, leaf };
}

const codeOf = (error: unknown): string => String((error as { code?: unknown } | undefined)?.code);
