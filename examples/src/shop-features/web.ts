/**
 * The ranking over HTTP: `GET /rank?user=<id>&products=<id>,<id>&budget=<n>` answers the products, the best first, with the
 * features that speak for them. A request that cannot be answered now gets 503: it changes nothing, so it is asked again.
 */
import { createServer, type Server } from 'node:http';
import { type Features, MisuseError } from '@holdfast/features';
import { ranking } from './definitions.js';
import { type Model, score } from './model.js';

export async function rank(store: Features, model: Model, url: URL) {
  const { searchParams } = url;
  const user = searchParams.get('user') ?? '';
  const products = (searchParams.get('products') ?? '').split(',').filter((each) => each !== '');
  const budget = Number(searchParams.get('budget') ?? 100);
  const ids = products.map((product) => ({ user, product }));
  const rows = await store.get(ranking, ids, { budget });
  return rows
    .map((features, at) => ({ product: products[at], score: score(model, features), features }))
    .sort((one, other) => other.score - one.score);
}

export function serve(store: Features, model: Model): Server {
  return createServer((request, response) => {
    const send = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname !== '/rank') return send(404, { error: 'Ask for /rank.' });
    rank(store, model, url).then(
      (items) => send(200, { items }),
      (error: Error) => send(error instanceof MisuseError ? 400 : 503, { error: error.message }),
    );
    return undefined;
  });
}
