/**
 * Tools of the `ai` SDK whose calls are steps of a run, each under the id that the model gave the call.
 *
 * Guarantees: a call that was done is not made again. A tool that needs approval runs only after the message
 * `approval:<toolCallId>` has said so; until then the run waits without a worker. What was not approved fails for the model,
 * which goes on.
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

/** What a person says of a call of a tool: send it to the run as the message `approval:<toolCallId>`. */
export interface Approval {
  readonly approved: boolean;
  readonly reason?: string;
}

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
    if (needs) await requireApproval(context, name, call.toolCallId, approvalTimeout);
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

async function requireApproval(
  context: WorkflowContext,
  name: string,
  toolCallId: string,
  timeout: number | undefined,
): Promise<void> {
  const limit = timeout === undefined ? {} : { timeout };
  const approval = await context.receive<Approval>(`approval:${toolCallId}`, limit);
  if (approval?.approved === true) return;
  const why =
    approval === undefined ? 'nobody has answered in time' : (approval.reason ?? 'no reason was given');
  throw new Error(`The call of the tool "${name}" was not approved: ${why}.`);
}

/** Ids of providers may have characters that keys have not. */
function keyOf(toolCallId: string): string {
  if (/^[\w.:-]{1,120}$/.test(toolCallId)) return `tool:${toolCallId}`;
  return `tool:${createHash('sha256').update(toolCallId).digest('hex')}`;
}
