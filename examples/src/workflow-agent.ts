/**
 * An agent whose calls of a model and of tools are steps of a run, here with a mock model. A sample of the README of
 * @holdfast/workflow.
 */
import { MockLanguageModelV3 } from 'ai/test';

const said = [
  { type: 'tool-call' as const, toolCallId: 'c1', toolName: 'refund', input: '{"order":"o1"}' },
  { type: 'text' as const, text: 'It is given back.' },
];
const usage = {
  inputTokens: { total: 10, noCache: 10, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
};
const model = new MockLanguageModelV3({
  doGenerate: async ({ prompt }) => {
    const part = said[prompt.filter(({ role }) => role === 'tool').length] as (typeof said)[0];
    const unified = part.type === 'text' ? ('stop' as const) : ('tool-calls' as const);
    return { content: [part], finishReason: { unified, raw: unified }, usage, warnings: [] };
  },
});

// #region readme
import { setTimeout } from 'node:timers/promises';
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { Budget, durableModel, durableTools } from '@holdfast/workflow/ai';
import { generateText, isStepCount, tool } from 'ai';
import { z } from 'zod';
import { data, stop } from './nodes.js';

const refund = tool({
  inputSchema: z.object({ order: z.string() }),
  needsApproval: true, // then it is in run.approvals(), and the run waits without a worker
  execute: async ({ order }) => `gave back ${order}`, // its options have the step, for a guard
});
const agent = defineWorkflow({ name: 'agent' }, async (ctx, prompt: string) => {
  const { text } = await generateText({
    model: durableModel(ctx, model, { budget: new Budget({ tokens: 100_000 }) }),
    tools: durableTools(ctx, { refund }),
    stopWhen: isStepCount(8),
    prompt,
  });
  return text;
});
const workflows = createWorkflows({ redis: data, workflows: [agent] });
workflows.work();
const run = await workflows.start(agent, 'I want my money back.');
while (!(await run.approve('c1', true, 'eve'))) await setTimeout(50); // false until it is asked
console.log(await run.result());
await workflows.close();
// #endregion readme

await stop();
