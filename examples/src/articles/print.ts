/**
 * What publishes articles: texts and a feed in Redis.
 *
 * Guarantees: an article is in the feed once. The step seals the article, and looks whether it is there; no earlier attempt
 * can write from then on, so it is there once if it was not.
 */
import type { RedisGuard } from '@holdfast/fence/redis';
import type { Step } from '@holdfast/workflow';
import type { Redis } from 'ioredis';
import type { Article } from './article.js';

export const printer =
  (guard: RedisGuard, redis: Redis, typeset: (article: Article) => Promise<string>) =>
  async (step: Step, article: Article): Promise<void> => {
    const { id } = article;
    const { write } = await guard.seal(step, { resource: `article:${id}` });
    if ((await redis.hexists('articles', id)) === 1) return;
    const page = await typeset(article);
    await write([
      ['HSET', 'articles', id, page],
      ['RPUSH', 'feed', id],
    ]);
  };
