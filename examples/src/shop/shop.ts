/**
 * The shop itself: takes orders over HTTP, and answers what a page asks. Its one argument is a Task as JSON; it is started by
 * `fork`.
 *
 * `POST /orders` with `{ id, account, product }` answers once the order is charged and shipped, or refused; with `prefer:
 * respond-async`, once it is taken. 503 if nothing is known by then. The id names the order, so it may be sent again after any
 * failure.
 *
 * Guarantees: it listens on this machine only, and ends by itself as soon as whoever started it is gone.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createLocks } from '@holdfast/lock';
import { RunFailedError } from '@holdfast/workflow';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { CATALOGUE, CUSTOMERS, isSold, productOf } from './catalogue.js';
import { follow, Live } from './live.js';
import { refusalOf } from './local-only.js';
import type { FromShop, Task, ToShop } from './messages.js';
import { openOrders, ordered } from './orders.js';
import { fileOf, PAGE_HEADERS } from './page.js';
import { openPictures } from './pictures.js';
import { boughtWith, countedPurchases, openFeatures, writeCustomers } from './recommendations.js';
import { find, openSearch, writeCatalogue } from './search.js';
import { DEPLOYMENT } from './setting.js';

/** For how long an order is waited for, in ms. */
const PATIENCE = 10_000;
/** How much of a text is searched for, in characters. */
const LONGEST = 200;

const ID = /^[\w-]{1,64}$/;
const Ordered = z.object({
  id: z.string().regex(ID),
  account: z.enum(CUSTOMERS.map(({ id }) => id)),
  product: z.string().refine(isSold, 'There is no such product.'),
});

const Wanted = z.strictObject({ faults: z.boolean().optional(), fencing: z.boolean().optional() });

const { data, nodes, port } = JSON.parse(process.argv[2] ?? '') as Task;
process.on('disconnect', () => process.exit());
const tell = (message: FromShop): void => void process.send?.(message);

const locks = createLocks({ nodes, ...DEPLOYMENT, identity: 'shop' });
const redis = new Redis(data);
const store = openFeatures(data);
const pictures = openPictures(data);
const orders = openOrders(data);
const index = openSearch(data);

type Answer = readonly [status: number, body: object | Buffer, headers?: Record<string, string>];

async function order(request: IncomingMessage): Promise<Answer> {
  const given = Ordered.safeParse(await json(request).catch(() => undefined));
  if (!given.success) return [400, { error: z.prettifyError(given.error) }];
  const { id, product } = given.data;
  const run = await orders.start(ordered, { ...given.data, amount: productOf(product).price }, { id });
  if (request.headers['prefer'] === 'respond-async') return [202, { id }];
  try {
    return [200, await run.result({ signal: AbortSignal.timeout(PATIENCE) })];
  } catch (error) {
    if (error instanceof RunFailedError) return [200, { status: 'failed' }]; // and what was charged is given back
    throw error;
  }
}

async function flip(request: IncomingMessage): Promise<Answer> {
  const given = Wanted.safeParse(await json(request).catch(() => undefined));
  if (!given.success) return [400, { error: z.prettifyError(given.error) }];
  const { faults, fencing } = given.data;
  tell({
    kind: 'switch',
    ...(faults !== undefined && { faults }),
    ...(fencing !== undefined && { fencing }),
  });
  return [202, given.data];
}

async function look(path: string, words: URLSearchParams): Promise<Answer> {
  const [, what, id = '', more] = path.split('/');
  if (path === '/search') {
    const text = (words.get('text') ?? '').slice(0, LONGEST).trim();
    return text === '' ? [400, { error: 'Give a text.' }] : [200, await find(index, text)];
  }
  if (path === '/products') return [200, CATALOGUE];
  if (what === 'products' && more === 'with' && isSold(id)) return [200, await boughtWith(store, id)];
  const picture = what === 'pictures' ? await redis.get(`picture:${id}`) : null;
  if (picture !== null) return [200, Buffer.from(picture, 'base64'), { 'content-type': 'image/jpeg' }];
  const file = await fileOf(path);
  return file ? [200, file.body, file.headers] : [404, { error: 'There is nothing here, or not yet.' }];
}

async function answer(request: IncomingMessage, { pathname, searchParams }: URL): Promise<Answer> {
  if (request.method === 'GET') return look(pathname, searchParams);
  if (request.method === 'POST' && pathname === '/orders') return order(request);
  if (request.method === 'POST' && pathname === '/switches') return flip(request);
  return [405, { error: 'POST /orders and /switches; all else is read.' }];
}

function send(response: ServerResponse, [status, body, headers]: Answer): void {
  response.writeHead(status, { ...PAGE_HEADERS, 'content-type': 'application/json', ...headers });
  response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
}

const server = createServer((request, response) => {
  const refusal = refusalOf(request);
  if (refusal) return send(response, refusal);
  const url = new URL(request.url ?? '/', 'http://localhost');
  const [, , id = '', more] = url.pathname.split('/');
  if (url.pathname === '/live') return live.add(response);
  if (more === 'run' && ID.test(id)) return void follow(orders.get(ordered, id), response);
  answer(request, url).then(
    (found) => send(response, found),
    (error: Error) => send(response, [503, { error: error.message }]), // nothing is known: to be asked again
  );
});

const live = new Live();
process.on('message', (message: ToShop) => live.hear(message));
await writeCustomers({ store, locks }, CUSTOMERS);
await pictures.addMany(CATALOGUE.map(({ id }) => ({ data: { id, product: id }, options: { id } })));
await writeCatalogue(index);
await index.ready();
const probe = 'something to keep warm';
await find(index, probe); // the model is loaded

/** Looks again and again, for the counters. What cannot be seen now is seen the next time. */
async function lookAround(): Promise<void> {
  const [made, runs, purchases, { took }] = await Promise.all([
    ...([pictures.counts(), orders.counts(), countedPurchases(store)] as const),
    find(index, probe),
  ]);
  tell({
    kind: 'systems',
    systems: {
      pictures: { waiting: made.waiting + made.active, done: made.totals.completed },
      checks: { running: runs.running + runs.waiting, done: runs.completed, stuck: runs.stuck },
      ...{ purchases, search: took },
    },
  });
}
setInterval(() => lookAround().catch(() => {}), 1_000);
server.once('error', (error) => {
  console.error(
    `the page cannot listen on port ${port} (${error.message}); name another with --port, or 0 for a free one`,
  );
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => tell({ kind: 'open', port: (server.address() as AddressInfo).port }));
