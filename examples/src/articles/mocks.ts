/**
 * What stands in for what is elsewhere: a mock of the `ai` SDK that writes of cities, gets years wrong at first, and likes the
 * word "very". Each call takes DELAY milliseconds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MockLanguageModelV3 } from 'ai/test';
import type { Assignment } from './article.js';

const usage = {
  inputTokens: { total: 60, noCache: 60, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 30, text: 30, reasoning: 0 },
};

export const mockModel = (delay: number) =>
  new MockLanguageModelV3({
    modelId: 'mock',
    doGenerate: async ({ prompt, abortSignal }) => {
      const [system = '', asked = ''] = prompt.map(({ content }) => {
        if (typeof content === 'string') return content;
        const [part] = content;
        return part?.type === 'text' ? part.text : '';
      });
      console.log(`the model is asked: ${system}`);
      await sleep(delay, undefined, { signal: abortSignal });
      return {
        content: [{ type: 'text', text: answer(system, asked) }],
        finishReason: { unified: 'stop', raw: 'stop' },
        usage,
        warnings: [],
      };
    },
  });

function answer(system: string, asked: string): string {
  if (system.includes('outline')) return `Where ${asked} is\nHow old ${asked} is`;
  if (system.includes('edit')) return asked.replaceAll('very ', '');
  const { topic, heading, corrections } = JSON.parse(asked) as Assignment;
  if (heading.startsWith('Where')) return `${topic} is very far away.`;
  return corrections.length > 0 ? corrections.join(' ') : `${topic} was founded in 1000.`;
}
