/**
 * The ranking over HTTP: `GET /rank?user=<id>&products=<id>,<id>&budget=<n>` answers the products, the best first, with the
 * features that speak for them. A request that cannot be answered now gets 503: it changes nothing, so it is asked again.
 *
 * What was answered is appended to a stream, for training; an answer does not wait for that, and is not lost with it.
 */
import { createServer, type Server } from 'node:http';
import { type Features, MisuseError } from '@holdfast/features';
import type { Redis } from 'ioredis';
import { ranking, STREAMS } from './definitions.js';
import { type Model, score } from './model.js';

/** An answer, as it is kept. */
export interface Ranked {
  readonly user: string;
  /** When, in ms since the epoch. */
  readonly at: number;
  readonly items: Awaited<ReturnType<typeof rank>>;
}

export async function rank(store: Features, model: Model, url: URL) {
  const { searchParams } = url;
  const user = searchParams.get('user') ?? '';
  const products = (searchParams.get('products') ?? '').split(',').filter((each) => each !== '');
  const budget = Number(searchParams.get('budget') ?? 100);
  const ids = products.map((product) => ({ user, product }));
  const rows = await store.get(ranking, ids, { budget });
  return ids
    .flatMap(({ product }, at) => {
      const features = rows[at];
      return features === undefined ? [] : [{ product, score: score(model, features), features }];
    })
    .sort((one, other) => other.score - one.score);
}

export interface WebParts {
  readonly store: Features;
  readonly redis: Redis;
  /** The model of the moment. */
  readonly model: () => Model;
}

export function serve({ store, redis, model }: WebParts): Server {
  const answer = async (url: URL): Promise<Ranked['items']> => {
    const items = await rank(store, model(), url);
    const ranked: Ranked = { user: url.searchParams.get('user') ?? '', at: Date.now(), items };
    redis
      .xadd(STREAMS.ranked[0], 'MAXLEN', '~', 10_000, '*', 'json', JSON.stringify(ranked))
      .catch((error: Error) => console.log(`web: an answer is not kept, as ${error.message}`));
    return items;
  };
  return createServer((request, response) => {
    const send = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname !== '/rank') return send(404, { error: 'Ask for /rank.' });
    answer(url).then(
      (items) => send(200, { items }),
      (error: Error) => send(error instanceof MisuseError ? 400 : 503, { error: error.message }),
    );
    return undefined;
  });
}
