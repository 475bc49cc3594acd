/** A rate that all processes share for what is no task of a queue. A sample of the README of @holdfast/queue. */

// #region readme
import { setTimeout } from 'node:timers/promises';
import { createRateLimiter } from '@holdfast/queue/rate-limiter';
import { data, stop } from './nodes.js';

const tokens = createRateLimiter({ redis: data, name: 'model', max: 10_000, per: 1_000 });

async function ask(question: string): Promise<string> {
  const place = await tokens.reserve({ amount: 100 * question.length }); // a guess
  if (!place.isReserved) throw new Error(`Ask again in ${place.wait} ms.`); // more than a minute from now
  await setTimeout(place.wait);
  const answer = question.toUpperCase();
  await tokens.settle(place.id, answer.length); // what it has really used
  return answer;
}
// #endregion readme

console.log(await ask('how are you?'));
await tokens.close();
await stop();
