/**
 * Tools of the `ai` SDK whose calls are steps of a run, each under the id that the model gave the call.
 *
 * Guarantees: a call that was done is not made again. A tool that needs approval runs only after `run.approve(toolCallId, …)`
 * has said so; until then the call is in `run.approvals()`, and the run waits without a worker. What was not approved fails
 * for the model, which goes on.
 */
import { createHash } from 'node:crypto';
import { MisuseError } from '@holdfast/kernel';
import type { WorkflowContext } from '../machine/workflow-context.js';
import type { StepOptions } from '../step/options.js';
import { packed, unpacked } from './json.js';
import type { Tools } from './sdk.js';

export interface DurableToolsOptions extends Pick<StepOptions, 'attempts' | 'backoff' | 'timeout'> {
  /** How long an approval is waited for, in ms; then the call is not approved. Default: as long as it takes. */
  readonly approvalTimeout?: number;
}

/** What a person says of a call of a tool: the answer of `run.approve(toolCallId, answer, by)`. */
export type ToolApproval = boolean | { readonly approved: boolean; readonly reason?: string };

interface ToolCall {
  readonly toolCallId: string;
  readonly abortSignal?: AbortSignal;
}

/** The body of a tool gets its step as `options.step`: every guard takes that. Throws MisuseError. */
export function durableTools<T extends Tools>(
  context: WorkflowContext,
  tools: T,
  options: DurableToolsOptions = {},
): T {
  const entries = Object.entries(tools).map(([name, tool]) => [
    name,
    typeof tool?.execute === 'function' ? durableTool(context, { name, tool, options }) : tool,
  ]);
  return Object.fromEntries(entries) as T;
}

interface Durable {
  readonly name: string;
  readonly tool: Tools[string];
  readonly options: DurableToolsOptions;
}

function durableTool(context: WorkflowContext, { name, tool, options }: Durable): Tools[string] {
  const { approvalTimeout, ...tries } = options;
  const { needsApproval, ...rest } = tool;
  const execute = async (input: unknown, call: ToolCall): Promise<unknown> => {
    if (typeof call?.toolCallId !== 'string')
      throw new MisuseError(`The tool "${name}" is called without a toolCallId.`);
    const needs = typeof needsApproval === 'function' ? await needsApproval(input, call) : needsApproval;
    if (needs)
      await requireApproval(context, { name, input, toolCallId: call.toolCallId, timeout: approvalTimeout });
    const given = await context.step(
      `tool ${name}`,
      async (step) => {
        const signal = call.abortSignal ? AbortSignal.any([call.abortSignal, step.signal]) : step.signal;
        return packed(await tool.execute(input, { ...call, abortSignal: signal, step }));
      },
      { ...tries, key: keyOf(call.toolCallId), of: packed(input) },
    );
    return unpacked(given);
  };
  return { ...rest, execute };
}

interface Asked {
  readonly name: string;
  readonly input: unknown;
  readonly toolCallId: string;
  readonly timeout: number | undefined;
}

async function requireApproval(
  context: WorkflowContext,
  { name, input, toolCallId, timeout }: Asked,
): Promise<void> {
  const limit = timeout === undefined ? {} : { timeout };
  const show = { tool: name, input: packed(input) };
  const approved = await context.approve<ToolApproval>(toolCallId, { show, ...limit });
  const answer = approved?.answer;
  const { approved: isApproved, reason } =
    typeof answer === 'object' ? answer : { approved: answer, reason: undefined };
  if (isApproved === true) return;
  const why = approved === undefined ? 'nobody has answered in time' : (reason ?? 'no reason was given');
  throw new Error(`The call of the tool "${name}" was not approved: ${why}.`);
}

/** Ids of providers may have characters that keys have not. */
function keyOf(toolCallId: string): string {
  if (/^[\w.:-]{1,120}$/.test(toolCallId)) return `tool:${toolCallId}`;
  return `tool:${createHash('sha256').update(toolCallId).digest('hex')}`;
}
