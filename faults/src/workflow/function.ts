/**
 * The workflows of the traffic: a function that does what the program in its input says, with bodies that somebody else
 * runs.
 */
import {
  defineWorkflow,
  type Step,
  UnknownOutcomeError,
  type Workflow,
  type WorkflowContext,
} from '@holdfast/workflow';
import { type Body, type Part, type Program, UNKNOWN } from './program.js';

/** One body, by the run and the step that it is of. */
export interface BodyOf {
  readonly run: string;
  readonly name: string;
  /** What it writes to. */
  readonly line: string;
  readonly body: Body;
}

/** Gives the token of the attempt. Rejects with NonRetryableError where the body is to fail for good. */
export type RunBody = (step: Step, of: BodyOf) => Promise<number>;

export const MESSAGE = 'go';
/** The stream of every run; its chunks are "<token> <index>". */
export const LOG = 'log';
/** Opens the names of the steps that undo others. */
export const UNDO = 'undo ';
/** The step with which a run fails. */
const FATAL = 'fatal';

/** Until they succeed: the store of the ledger may be away for long. */
const STEADY = { attempts: 1_000, backoff: { type: 'constant', delay: 50 } } as const;

const FAILING: Body = {
  ...{ does: 'nothing', takes: 0, between: 0, chunks: 0, heedless: true, undo: false },
  fails: Number.POSITIVE_INFINITY,
};

interface Flows {
  readonly tree: Workflow<Program, unknown>;
  /** Of children. */
  readonly leaf: Workflow<readonly Part[], unknown>;
}

export function makeWorkflows(runBody: RunBody): Flows {
  const bodyOf = (ctx: WorkflowContext, line: string, name: string, body: Body) => (step: Step) =>
    runBody(step, { run: ctx.id, name, line, body });

  function follow(ctx: WorkflowContext, line: string, part: Part): Promise<unknown> {
    switch (part.f) {
      case 'step': {
        const undo = bodyOf(ctx, line, `${UNDO}${part.name}`, {
          ...part.body,
          takes: 0,
          fails: 0,
          chunks: 0,
        });
        return ctx.step(part.name, bodyOf(ctx, line, part.name, part.body), {
          ...STEADY,
          ...(part.body.undo && { undo }),
        });
      }
      case 'once':
        return ctx.once(part.name, bodyOf(ctx, line, part.name, part.body)).catch((error) => {
          if (error instanceof UnknownOutcomeError) return UNKNOWN;
          throw error;
        });
      case 'sleep':
        return ctx.sleep(part.for).then(() => 'slept');
      case 'receive':
        return ctx.receive(MESSAGE);
      case 'child':
        return ctx.child(leaf, part.parts);
      case 'all':
        // Two branches have one token: a guard does not keep them apart.
        return ctx.map(part.parts, (branch, each, index) => follow(branch, `${line}/${index}`, each));
    }
  }

  async function inTurn(ctx: WorkflowContext, line: string, parts: readonly Part[]): Promise<unknown[]> {
    const values: unknown[] = [];
    for (const part of parts) values.push(await follow(ctx, line, part));
    return values;
  }

  const leaf = defineWorkflow({ name: 'leaf' }, (ctx, parts: readonly Part[]) => inTurn(ctx, ctx.id, parts));
  const tree = defineWorkflow({ name: 'tree' }, async (ctx, { line, parts, fails }: Program) => {
    const values = await inTurn(ctx, line, parts);
    if (fails) await ctx.step(FATAL, bodyOf(ctx, line, FATAL, FAILING));
    return values;
  });
  return { tree, leaf };
}

/** Whether a body is the one with which a run fails. */
export const isFatal = (body: Body): boolean => body.fails === Number.POSITIVE_INFINITY;
