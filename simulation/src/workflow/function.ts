/**
 * The workflows that are simulated: a function that follows the program in its input, and bodies that somebody watches.
 */
import type { Step, Workflow, WorkflowContext } from '@holdfast/workflow';
import type { Subject } from '../run/subject.js';
import { ATTEMPTS, type BodyPlan, type Program } from './program.js';

/** Runs a body; its steps are named by their places in the program. */
/** What a run answers to a message. */
export const answerTo = (id: string): string => `${id}!`;

/** What undoes a step is done at once. */
const undoing = (body: BodyPlan): BodyPlan => ({ ...body, takes: 0, fails: 0, fatal: false, chunks: 0 });

export type RunBody = (step: Step, name: string, body: BodyPlan) => Promise<string>;

type ProgramWorkflow = Workflow<Program, unknown>;

export interface ProgramWorkflows {
  readonly tree: ProgramWorkflow;
  /** Of children. */
  readonly leaf: ProgramWorkflow;
}

export function makeWorkflows(
  { defineWorkflow }: Subject,
  { runBody, backoff }: { runBody: RunBody; backoff: number },
): ProgramWorkflows {
  const settings = { attempts: ATTEMPTS, backoff: { type: 'constant', delay: backoff } } as const;

  function follow(ctx: WorkflowContext, program: Program): Promise<unknown> {
    switch (program.f) {
      case 'step': {
        const { name, body } = program;
        return ctx.step(name, (step) => runBody(step, name, body), {
          ...settings,
          ...(body.undo && { undo: (step: Step) => runBody(step, `undo ${name}`, undoing(body)) }),
        });
      }
      case 'sleep':
        return ctx.sleep(program.for).then(() => 'slept');
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

  async function inTurn(ctx: WorkflowContext, parts: readonly Program[]): Promise<unknown[]> {
    const values: unknown[] = [];
    for (const part of parts) values.push(await follow(ctx, part));
    return values;
  }

  const leaf = defineWorkflow({ name: 'leaf' }, (ctx, program: Program) => follow(ctx, program));
  const tree = defineWorkflow({ name: 'tree' }, (ctx, program: Program) => follow(ctx, program));
  return { tree, leaf };
}
