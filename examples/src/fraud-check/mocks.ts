/**
 * What a shop has elsewhere: its profiles, its bank, its warehouse, and a language model, here a mock of the `ai` SDK that
 * judges by rules. Each takes DELAY milliseconds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { NonRetryableError } from '@holdfast/workflow';
import { simulateReadableStream } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import type { Authorise, Order, Parts, Profile } from './fraud-check.js';

const delay = Number(process.env['DELAY'] ?? 100);

/** The name of an account says what is wrong with it. */
export const profileOf: Parts['profileOf'] = async (account, signal) => {
  await sleep(delay, undefined, { signal });
  return { age: account.startsWith('new') ? 1 : 400, country: account.endsWith('-abroad') ? '??' : 'DE' };
};

export const authorise: Authorise = async ({ id }) => {
  console.log(`the bank is asked about ${id}`);
  await sleep(delay);
};

export const ship: Parts['ship'] = async ({ id }) => {
  await sleep(delay);
  if (id.endsWith('-sold-out')) throw new NonRetryableError(`What ${id} asks for is sold out.`);
};

const usage = {
  inputTokens: { total: 40, noCache: 40, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 20, text: 20, reasoning: 0 },
};

export const model = new MockLanguageModelV3({
  modelId: 'judge',
  doStream: async ({ prompt }) => {
    const asked = prompt.find(({ role }) => role === 'user')?.content[0];
    const { order, profile } = JSON.parse(typeof asked === 'object' && 'text' in asked ? asked.text : '');
    const reasons = reasonsFor(order, profile);
    return {
      stream: simulateReadableStream({
        initialDelayInMs: null,
        chunkDelayInMs: delay / reasons.length,
        chunks: [
          { type: 'stream-start', warnings: [] },
          { type: 'text-start', id: 't' },
          ...reasons.map((delta) => ({ type: 'text-delta' as const, id: 't', delta })),
          { type: 'text-end', id: 't' },
          { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage },
        ],
      }),
    };
  },
});

function reasonsFor({ amount }: Order, { age, country }: Profile): string[] {
  const isNew = age < 30;
  const isAbroad = country === '??';
  return [
    `The account is ${age} days old${isNew ? ', which is young' : ''}. `,
    isAbroad ? 'Nobody knows where it is. ' : `It is in ${country}. `,
    `It asks for ${amount}. `,
    `Risk: ${(isNew ? 45 : 5) + (isAbroad ? 40 : 0)}`,
  ];
}
