/**
 * A turn of a chat: the articles that the question is about, and then what a model makes of them, word by word.
 */

import type { VectorIndex } from '@holdfast/vectors';
import { type LanguageModel, simulateReadableStream, streamText } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { type Answer, search } from './search.js';

const ARTICLES = 3;

/** Tells the articles as soon as they are found, and how long that took; the rest is read from `words`. */
export async function turn(
  { kb, model }: { readonly kb: VectorIndex; readonly model: LanguageModel },
  question: string,
  signal?: AbortSignal,
): Promise<{ readonly found: Answer; readonly words: AsyncIterable<string> }> {
  const found = await search(kb, { text: question, limit: ARTICLES }, signal);
  const articles = found.hits.map(({ id, title, body }) => `[${id}] ${title}. ${body}`).join('\n');
  const { textStream } = streamText({
    model,
    system: `Answer from these articles only, and name the one that you have it from.\n${articles}`,
    prompt: question,
    ...(signal && { abortSignal: signal }),
  });
  return { found, words: textStream };
}

const usage = {
  inputTokens: { total: 100, noCache: 100, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 30, text: 30, reasoning: 0 },
};

/** Stands for a language model: it says the first article that it is given, word by word. */
export const mockModel = new MockLanguageModelV3({
  modelId: 'mock',
  doStream: async ({ prompt }) => {
    const system = prompt.find(({ role }) => role === 'system')?.content;
    const [, id = '', text = 'I do not know.'] = /^\[(.*?)\] (.*)$/m.exec(String(system)) ?? [];
    const words = `${text} (${id})`.split(/(?<= )/);
    return {
      stream: simulateReadableStream({
        initialDelayInMs: null,
        chunkDelayInMs: 5,
        chunks: [
          { type: 'stream-start', warnings: [] },
          { type: 'text-start', id: 't' },
          ...words.map((delta) => ({ type: 'text-delta' as const, id: 't', delta })),
          { type: 'text-end', id: 't' },
          { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage },
        ],
      }),
    };
  },
});
