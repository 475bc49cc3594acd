/**
 * The shop itself: takes orders over HTTP, and answers what a page asks. Its one argument is a Task as JSON; it is started by
 * `fork`.
 *
 * `POST /orders` with `{ id, account, product }` answers once the order is charged and shipped, or refused; 503 if nothing is
 * known by then. The id names the order, so it may be sent again after any failure.
 *
 * Guarantees: it listens on this machine only, and ends by itself as soon as whoever started it is gone.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createLocks } from '@holdfast/lock';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { CATALOGUE, CUSTOMERS, isSold, productOf } from './catalogue.js';
import { refusalOf } from './local-only.js';
import type { FromShop, Task } from './messages.js';
import { openOrders, ordered } from './orders.js';
import { openPictures } from './pictures.js';
import { boughtWith, openFeatures, writeCustomers } from './recommendations.js';
import { find, openSearch, writeCatalogue } from './search.js';
import { DEPLOYMENT } from './setting.js';

/** For how long an order is waited for, in ms. */
const PATIENCE = 10_000;

const Ordered = z.object({
  id: z.string().regex(/^[\w-]{1,64}$/),
  account: z.enum(CUSTOMERS.map(({ id }) => id)),
  product: z.string().refine(isSold, 'There is no such product.'),
});

const { data, nodes, port } = JSON.parse(process.argv[2] ?? '') as Task;
process.on('disconnect', () => process.exit());
const tell = (message: FromShop): void => void process.send?.(message);

const locks = createLocks({ nodes, ...DEPLOYMENT, identity: 'shop' });
const redis = new Redis(data);
const store = openFeatures(data);
const pictures = openPictures(data);
const orders = openOrders(data);
const index = openSearch(data);

type Answer = [status: number, body: object | Buffer];

async function order(request: IncomingMessage): Promise<Answer> {
  const given = Ordered.safeParse(await json(request).catch(() => undefined));
  if (!given.success) return [400, { error: z.prettifyError(given.error) }];
  const { price: amount } = productOf(given.data.product);
  const signal = AbortSignal.timeout(PATIENCE);
  return [200, await orders.run(ordered, { ...given.data, amount }, { id: given.data.id, signal })];
}

async function look(path: string, words: URLSearchParams): Promise<Answer> {
  const [, what, id = '', more] = path.split('/');
  if (path === '/search') return [200, await find(index, words.get('text') ?? '')];
  if (path === '/products') return [200, CATALOGUE];
  if (what === 'products' && more === 'with' && isSold(id)) return [200, await boughtWith(store, id)];
  if (what === 'pictures') {
    const picture = await redis.get(`picture:${id}`);
    if (picture !== null) return [200, Buffer.from(picture, 'base64')];
  }
  return [404, { error: 'There is nothing here.' }];
}

async function answer(request: IncomingMessage): Promise<Answer> {
  const refusal = refusalOf(request);
  if (refusal) return refusal;
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (request.method === 'GET') return look(pathname, searchParams);
  if (request.method === 'POST' && pathname === '/orders') return order(request);
  return [405, { error: 'Orders are sent by POST /orders; all else is read.' }];
}

function send(response: ServerResponse, [status, body]: Answer): void {
  const isPicture = Buffer.isBuffer(body);
  response.writeHead(status, { 'content-type': isPicture ? 'image/jpeg' : 'application/json' });
  response.end(isPicture ? body : JSON.stringify(body));
}

const server = createServer((request, response) => {
  answer(request).then(
    (found) => send(response, found),
    (error: Error) => send(response, [503, { error: error.message }]), // nothing is known: to be asked again
  );
});

await writeCustomers({ store, locks }, CUSTOMERS);
await pictures.addMany(CATALOGUE.map(({ id }) => ({ data: { id, product: id }, options: { id } })));
await writeCatalogue(index);
await index.ready();
server.listen(port, '127.0.0.1', () => tell({ kind: 'open', port: (server.address() as AddressInfo).port }));
