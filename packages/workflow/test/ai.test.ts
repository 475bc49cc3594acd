/** Agents of the `ai` SDK with its own mock models: their calls are steps, and none that was answered is made again. */
import { defineWorkflow, RunFailedError, type WorkflowContext } from '@holdfast/workflow';
import { Budget, durableModel, durableTools, modelLimits } from '@holdfast/workflow/ai';
import { everyCrash } from '@holdfast/workflow/testing';
import * as ai7 from 'ai';
import * as mocks7 from 'ai/test';
import * as ai6 from 'ai-6';
import * as mocks6 from 'ai-6/test';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { appOf, client, eventually, later, url, useRedis } from './setting.js';

useRedis();

const usage = {
  inputTokens: { total: 10, noCache: 10, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
};
const call = (toolCallId: string, toolName: string, city: string) => ({
  ...{ type: 'tool-call' as const, toolCallId, toolName, input: JSON.stringify({ city }) },
});
/** What the model says in each turn: it asks for two rates at once, books the better, and says so. */
const TURNS = [
  { content: [call('a', 'rate', 'Bonn'), call('b', 'rate', 'Kiel')], reason: 'tool-calls' as const },
  { content: [call('c|1', 'book', 'Kiel')], reason: 'tool-calls' as const },
  { content: [{ type: 'text' as const, text: 'Kiel it is' }], reason: 'stop' as const },
];

interface Calls {
  model: number;
  readonly tools: string[];
  readonly tokens: number[];
}

// biome-ignore lint/suspicious/noExplicitAny: the same for both versions of the SDK, whose types differ.
type Sdk = any;

describe.each([
  ['6', ai6 as Sdk, mocks6 as Sdk],
  ['7', ai7 as Sdk, mocks7 as Sdk],
])('ai %s', (_, ai, mocks) => {
  const model = (calls: Calls, fail = () => false) =>
    new mocks.MockLanguageModelV3({
      modelId: 'mock',
      doGenerate: async ({ prompt }: { prompt: { role: string }[] }) => {
        calls.model += 1;
        if (fail()) throw new Error('overloaded');
        const turn = TURNS[prompt.filter(({ role }) => role === 'tool').length] as (typeof TURNS)[0];
        const finishReason = { unified: turn.reason, raw: 'x' };
        return {
          content: turn.content,
          finishReason,
          usage,
          warnings: [],
          response: { timestamp: new Date(0) },
        };
      },
    });
  const tools = (calls: Calls, needsApproval = false) => ({
    rate: ai.tool({
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }: { city: string }) => {
        calls.tools.push(`rate ${city}`);
        return city === 'Kiel' ? 9 : 4;
      },
    }),
    book: ai.tool({
      inputSchema: z.object({ city: z.string() }),
      needsApproval,
      execute: async ({ city }: { city: string }, { step }: Sdk) => {
        calls.tools.push(`book ${city}`);
        calls.tokens.push(step.token);
        return `booked ${city}`;
      },
    }),
  });
  const newCalls = (): Calls => ({ model: 0, tools: [], tokens: [] });
  const agent = async (ctx: WorkflowContext, calls: Calls, needsApproval = false) => {
    const { text, steps } = await ai.generateText({
      model: durableModel(ctx, model(calls)),
      tools: durableTools(ctx, tools(calls, needsApproval)),
      stopWhen: ai.stepCountIs ? ai.stepCountIs(8) : ai.isStepCount(8),
      prompt: 'where?',
    });
    return { text, turns: steps.length };
  };

  it('goes on wherever it was cut, with one outcome, and makes again only what was under way', async () => {
    const all: Calls[] = [];
    const cases = await everyCrash({
      make: () => {
        const calls = newCalls();
        all.push(calls);
        return defineWorkflow({ name: 'agent' }, (ctx) => agent(ctx, calls));
      },
      input: null,
    });
    expect(cases[0]?.end).toEqual({ result: { text: 'Kiel it is', turns: 3 } });
    expect(all[0]).toMatchObject({ model: 3, tools: ['rate Bonn', 'rate Kiel', 'book Kiel'] });
    for (const { model: asked, tools: used, tokens } of all) {
      expect(asked).toBeLessThanOrEqual(4);
      expect(used.length).toBeLessThanOrEqual(5);
      expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    }
  });

  it('runs a tool that needs it only when a person approves, and tells the model when one does not', async () => {
    const calls = newCalls();
    const flow = defineWorkflow({ name: 'asks' }, (ctx) => agent(ctx, calls, true));
    const app = appOf([flow]);
    app.work();
    const run = await app.start(flow, null);
    await eventually(async () => (await run.status()).status, 'sleeping' as const);
    expect(calls.tools).toEqual(['rate Bonn', 'rate Kiel']);
    expect(await run.approvals()).toMatchObject([
      { name: 'c|1', show: { tool: 'book', input: { city: 'Kiel' } } },
    ]);
    await run.approve('c|1', true, 'eve');
    expect(await run.result()).toEqual({ text: 'Kiel it is', turns: 3 });
    expect(calls.tools).toContain('book Kiel');
    const other = await app.start(flow, null);
    await eventually(async () => (await other.status()).status, 'sleeping' as const);
    await other.approve('c|1', { approved: false, reason: 'too far' }, 'eve');
    expect(await other.result()).toEqual({ text: 'Kiel it is', turns: 3 });
    expect(calls.tools.filter((each) => each.startsWith('book'))).toHaveLength(1);
  });

  it('streams texts to readers as they come, and gives them to the function as one chunk', async () => {
    const texts = ['Dear', ' Ada', ', thanks'];
    const streaming = () =>
      new mocks.MockLanguageModelV3({
        modelId: 'mock',
        doStream: async () => ({
          stream: ai.simulateReadableStream({
            chunks: [
              { type: 'stream-start', warnings: [] },
              { type: 'text-start', id: '1' },
              ...texts.map((delta) => ({ type: 'text-delta', id: '1', delta })),
              { type: 'text-end', id: '1' },
              { type: 'finish', finishReason: { unified: 'stop', raw: 'x' }, usage },
            ],
            initialDelayInMs: null,
            chunkDelayInMs: null,
          }),
        }),
      });
    const flow = defineWorkflow({ name: 'letter' }, async (ctx) => {
      const chunks: string[] = [];
      const { textStream } = ai.streamText({
        model: durableModel(ctx, streaming(), { stream: 'letter' }),
        prompt: 'thank',
      });
      for await (const chunk of textStream) chunks.push(chunk);
      return chunks;
    });
    const app = appOf([flow]);
    app.work();
    const run = await app.start(flow, null);
    const read: unknown[] = [];
    for await (const item of run.stream('letter')) if (item.kind === 'chunk') read.push(item.chunk);
    expect(read).toEqual(texts);
    expect(await run.result()).toEqual([texts.join('')]);
  });

  it('stops asking when the budget of the run is spent, and tries errors again in the step', async () => {
    const calls = newCalls();
    let failures = 0;
    const flow = defineWorkflow({ name: 'thrifty' }, async (ctx) => {
      const budget = new Budget({ tokens: 30, cost: 1, price: { input: 1, output: 2 } });
      const fail = () => {
        failures += 1;
        return failures === 1;
      };
      const options = { budget, backoff: { type: 'constant', delay: 1 } } as const;
      await ai.generateText({
        model: durableModel(ctx, model(calls, fail), options),
        tools: durableTools(ctx, tools(calls)),
        stopWhen: ai.stepCountIs ? ai.stepCountIs(8) : ai.isStepCount(8),
        prompt: 'where?',
      });
    });
    const app = appOf([flow]);
    app.work();
    const failed = (await app.run(flow, null).catch((error: unknown) => error)) as RunFailedError;
    expect(failed).toBeInstanceOf(RunFailedError);
    expect(failed.reason.code).toBe('HOLDFAST_BUDGET_EXCEEDED');
    expect(calls.model).toBe(3);
  });
});

it('is stuck where a replay asks something else, and refuses two calls of one model at once', async () => {
  let asked = 'one';
  const mock = new mocks7.MockLanguageModelV3({
    doGenerate: async () => ({
      content: [{ type: 'text', text: 'said' }],
      finishReason: { unified: 'stop', raw: 'x' },
      usage,
      warnings: [],
    }),
  });
  const flow = defineWorkflow({ name: 'changed' }, async (ctx) => {
    await ai7.generateText({ model: durableModel(ctx, mock), prompt: asked });
    await ctx.receive('go');
  });
  const twice = defineWorkflow({ name: 'twice' }, async (ctx) => {
    const model = durableModel(ctx, mock);
    await Promise.all(['a', 'b'].map((prompt) => ai7.generateText({ model, prompt })));
  });
  const app = appOf([flow, twice]);
  app.work();
  const run = await app.start(flow, null);
  await eventually(async () => (await run.status()).status, 'sleeping' as const);
  asked = 'another';
  await run.send('go');
  await expect(run.result()).rejects.toMatchObject({ code: 'HOLDFAST_RUN_STUCK' });
  await expect(app.run(twice, null)).rejects.toThrow('is asked while it answers');
});

it('keeps to limits of requests and tokens, and parks runs that wait for long', async () => {
  const limits = modelLimits({ redis: url(), name: 'mock', requests: 60, tokens: 1_000_000, burst: 0 });
  later(() => limits.close());
  const asked = { prompt: [] };
  expect(await limits.reserve('1', 'm', asked)).toMatchObject({ wait: 1_000 });
  const second = await limits.reserve('2', 'm', asked);
  expect(second.wait).toBeGreaterThan(1_000);
  expect(await limits.reserve('2', 'm', asked)).toMatchObject({ at: second.at });
  // A server whose clock has stepped back does not keep calls waiting for as long as it did.
  const [seconds] = await client().time();
  const now = Number(seconds) * 1_000;
  await client().hset('{limit:old}:clock', 'requests', now + 7 * 86_400_000, 'tokens', now + 7 * 86_400_000);
  const old = modelLimits({ redis: url(), name: 'old', requests: 60, tokens: 1_000_000 });
  later(() => old.close());
  const busy = await old.reserve('1', 'm', asked);
  expect(busy.wait).toBe(600_000);
  expect(await client().exists('{limit:old}:kept')).toBe(0);
  const before = Number(await client().hget('{limit:mock}:clock', 'tokens'));
  expect(await limits.settle('1', 'm', { input: 100, output: 100 })).toBe(true);
  expect(await limits.settle('1', 'm', { input: 100, output: 100 })).toBe(false);
  expect(Number(await client().hget('{limit:mock}:clock', 'tokens'))).toBeLessThan(before);
  let parked = 0;
  const flow = defineWorkflow({ name: 'slow' }, async (ctx) => {
    const mock = new mocks7.MockLanguageModelV3({
      doGenerate: async () => ({
        content: [{ type: 'text', text: 'done' }],
        finishReason: { unified: 'stop', raw: 'x' },
        usage,
        warnings: [],
      }),
    });
    const { text } = await ai7.generateText({ model: durableModel(ctx, mock, { limits }), prompt: 'go' });
    return text;
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  await expect
    .poll(
      async () => {
        const { status } = await run.status();
        if (status === 'sleeping') parked += 1;
        return status;
      },
      { timeout: 20_000, interval: 5 },
    )
    .toBe('completed');
  expect(await run.result()).toBe('done');
  expect(parked).toBeGreaterThan(0);
});
