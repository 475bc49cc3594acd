/**
 * Articles that are written with a model, three calls of two seconds each, under limits of requests and tokens a minute that
 * all workers share: how many come out in an hour, and whether the limits hold.
 *
 * Guarantees: every article has its three parts, and every call is counted where the model is called.
 */
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { durableModel, modelLimits } from '@holdfast/workflow/ai';
import { number } from '../harness/report.js';
import { spread } from '../harness/statistics.js';
import { atLeast, atMost } from '../harness/targets.js';
import { expectSame, now, pause, type Role, type Scenario } from './scenario.js';

const WANTED = 10_000;
const CALLS = 3;
/** What a call takes, in ms, and what it uses. */
const CALL = 2_000;
const TOKENS = 900;
/** A minute. */
const REQUESTS = Math.ceil((WANTED * CALLS * 1.02) / 60);
const LIMITS = { requests: REQUESTS, tokens: REQUESTS * TOKENS };
/** What the limits let begin at once after a pause, in ms of them. */
const BURST = 1_000;

interface Called {
  readonly at: number;
  readonly tokens: number;
}

const calls: Called[] = [];
let inFlight = 0;
let mostInFlight = 0;

const mock = {
  ...{ specificationVersion: 'v3', provider: 'mock', modelId: 'writer', supportedUrls: {} },
  async doGenerate({ prompt }: { prompt: string }) {
    const tokens = Math.round(TOKENS * (0.9 + 0.2 * Math.random()));
    calls.push({ at: now(), tokens });
    inFlight += 1;
    mostInFlight = Math.max(mostInFlight, inFlight);
    await pause(CALL);
    inFlight -= 1;
    return {
      content: [{ type: 'text', text: `about ${prompt}` }],
      usage: { inputTokens: { total: 400 }, outputTokens: { total: tokens - 400 } },
      finishReason: { unified: 'stop' },
      warnings: [],
    };
  },
  doStream: (): Promise<never> => Promise.reject(new Error('The mock does not stream.')),
};

const worker: Role = ({ redis }) => {
  const limits = modelLimits({ redis, name: 'writer', burst: BURST, ...LIMITS });
  const ended: number[] = [];
  const article = defineWorkflow({ name: 'article' }, async (ctx, subject: string) => {
    const model = durableModel(ctx, mock, { limits });
    const parts: string[] = [];
    for (const part of ['research', 'text', 'facts']) {
      const { content } = await model.doGenerate({ prompt: `${part} of ${subject}` });
      parts.push(content[0]?.text ?? '');
    }
    return parts;
  });
  const workflows = createWorkflows({ redis, name: 'articles', workflows: [article] });
  workflows.work({ concurrency: 1_000 });
  const order = async (id: string): Promise<void> => {
    const run = await workflows.start(article, id, { id });
    const parts = await run.result();
    expectSame(
      `the article ${id}`,
      parts.join(),
      ['research', 'text', 'facts'].map((part) => `about ${part} of ${id}`).join(),
    );
    ended.push(now());
  };
  return {
    /** Orders articles at a rate a second for so many ms, and waits until all are written. */
    write: async ({ name, rate, time }: { name: string; rate: number; time: number }): Promise<void> => {
      const since = now();
      const ordered: Promise<void>[] = [];
      while (now() - since < time) {
        while (ordered.length < ((now() - since) / 1_000) * rate)
          ordered.push(order(`${name}-${ordered.length}`));
        await pause(10);
      }
      await Promise.all(ordered);
    },
    found: () => ({ calls, ended, mostInFlight }),
  };
};

interface Found {
  readonly calls: readonly Called[];
  readonly ended: readonly number[];
  readonly mostInFlight: number;
}

/** The most that began within any window of so many ms. */
function mostWithin(all: readonly Called[], window: number): { calls: number; tokens: number } {
  let [from, tokens] = [0, 0];
  const most = { calls: 0, tokens: 0 };
  for (const [to, call] of all.entries()) {
    tokens += call.tokens;
    while (call.at - (all[from]?.at ?? 0) >= window) {
      tokens -= all[from]?.tokens ?? 0;
      from += 1;
    }
    most.calls = Math.max(most.calls, to - from + 1);
    most.tokens = Math.max(most.tokens, tokens);
  }
  return most;
}

const WORKERS = 2;

export const articles: Scenario = {
  roles: { worker },
  async measure(stage) {
    const time = stage.quick ? 8_000 : 90_000;
    const lead = stage.quick ? 6_000 : 20_000; // in which the first articles are not done yet
    await stage.clear();
    const workers = [];
    for (let index = 0; index < WORKERS; index += 1) workers.push(await stage.start('worker'));
    stage.progress(`${time / 1_000} s`);
    const since = now();
    // A tenth more is ordered than the limits let through.
    const rate = (WANTED / 3_600 / WORKERS) * 1.1;
    await Promise.all(workers.map((each, index) => each.ask('write', { name: `w${index}`, rate, time })));
    const all = await Promise.all(workers.map((each) => each.ask<Found>('found')));
    const called = all.flatMap((each) => each.calls).sort((one, other) => one.at - other.at);
    const ended = all.flatMap((each) => each.ended).filter((at) => at >= since + lead && at < since + time);
    expectSame('the number of calls', called.length, CALLS * all.flatMap((each) => each.ended).length);
    const rest = all.reduce((sum, each) => sum + each.mostInFlight, 0);
    const anHour = (ended.length / (time - lead)) * 3_600_000;
    const windows = [10_000, 30_000, 60_000]
      .filter((window) => window < time)
      .map((window) => {
        const most = mostWithin(called, window);
        const share = (window + BURST) / 60_000;
        return {
          window,
          ...most,
          over: Math.max(
            0,
            most.calls - LIMITS.requests * share,
            (most.tokens - LIMITS.tokens * share) / TOKENS,
          ),
        };
      });
    const over = Math.max(0, ...windows.map((each) => each.over));
    return {
      targets: [
        atLeast('articles an hour', spread([anHour]), WANTED),
        atMost('calls beyond the limits, to those in flight', spread([over / rest]), 1),
      ],
      tables: [
        {
          title: 'articles',
          about: `Articles of ${CALLS} calls of a mock of a model that takes ${CALL / 1_000} s, ordered for ${time / 1_000} s at a rate a tenth above the one that is wanted, from ${WORKERS} workers that share limits of ${LIMITS.requests} requests and ${LIMITS.tokens.toLocaleString('en-US')} tokens a minute; a burst of ${BURST / 1_000} s of the limits is allowed. Counted from second ${lead / 1_000} on.`,
          columns: ['articles/h', 'calls', 'most calls in flight'],
          rows: [[number(anHour), called.length.toLocaleString('en-US'), number(rest)]],
        },
        {
          title: 'the limits',
          about:
            'The most calls that began, and the most tokens that they used, within any window of such a length; what the limits and the burst allow in it; and how many calls were beyond that.',
          columns: ['window s', 'calls', 'allowed', 'tokens', 'allowed', 'calls beyond'],
          rows: windows.map((each) => {
            const share = (each.window + BURST) / 60_000;
            return [
              number(each.window / 1_000),
              number(each.calls),
              number(LIMITS.requests * share),
              ...[each.tokens, LIMITS.tokens * share].map((value) =>
                Math.round(value).toLocaleString('en-US'),
              ),
              number(each.over),
            ];
          }),
        },
      ],
      data: { anHour, windows, rest },
    };
  },
};
