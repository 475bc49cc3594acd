/**
 * The web server of the pipeline: takes pictures, enqueues them, tells how far they are, and shows them.
 *
 * `POST /pictures` answers 202 once the picture is stored and its task enqueued; 415 for what is no picture, 413 for more
 * than 20 MB, 503 when it could not be enqueued: then nothing is done with it, and it may be sent again.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import sharp from 'sharp';
import { PAGE } from './page.js';
import { pictures, settings, thumbnails, watermarks } from './settings.js';

const LARGEST = 20 * 2 ** 20;

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export async function startWeb(): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const status = error instanceof Refusal ? error.status : 503;
      send(response, status, { error: error instanceof Error ? error.message : String(error) });
    });
  });
  await new Promise<void>((resolve) => server.listen(settings.port, resolve));
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const [, folder, id = '', form] = pathname.split('/');
  if (request.method === 'POST' && pathname === '/pictures') return upload(request, response);
  if (request.method !== 'GET') throw new Refusal(405, 'Send a picture by POST /pictures.');
  if (pathname === '/') return void response.setHeader('content-type', 'text/html').end(PAGE);
  if (pathname === '/events') return follow(request, response);
  if (folder !== 'pictures') throw new Refusal(404, 'There is nothing here.');
  if (form === undefined) return send(response, 200, await statusOf(id));
  const file = form === 'thumbnail' ? 'thumbnails' : form === 'watermarked' ? 'watermarked' : undefined;
  const content = file && (await pictures.read(`${file}/${id}`));
  if (!content) throw new Refusal(404, 'It is not there, or not yet.');
  response.setHeader('content-type', 'image/jpeg').end(content);
}

async function upload(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await read(request);
  const { format } = await sharp(body)
    .metadata()
    .catch(() => ({ format: undefined }));
  if (format === undefined) throw new Refusal(415, 'That is not a picture.');
  const id = randomUUID();
  // Nobody else writes the original, so any token will do.
  await (await pictures.seal({ resource: `originals/${id}`, token: 1, issuer: 'uploads' })).write(body);
  await thumbnails.add({ id }, { id });
  send(response, 202, { id, status: `/pictures/${id}` });
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > LARGEST) throw new Refusal(413, `A picture has at most ${LARGEST} bytes.`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** From the objects, which are what counts; the queues tell of failures. */
async function statusOf(id: string): Promise<object> {
  if (await pictures.read(`watermarked/${id}`)) {
    return {
      id,
      state: 'done',
      thumbnail: `/pictures/${id}/thumbnail`,
      watermarked: `/pictures/${id}/watermarked`,
    };
  }
  const tasks = await Promise.all([thumbnails.get(id), watermarks.get(id)]);
  if (tasks.some((task) => task?.state === 'dead')) return { id, state: 'failed' };
  if (await pictures.read(`thumbnails/${id}`)) {
    return { id, state: 'thumbnail', thumbnail: `/pictures/${id}/thumbnail` };
  }
  if (await pictures.read(`originals/${id}`)) return { id, state: 'stored' };
  throw new Refusal(404, 'There is no such picture.');
}

/** Tells the page which pictures have changed, as server-sent events. */
async function follow(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const ended = new AbortController();
  request.once('close', () => ended.abort());
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const tell = async (queue: typeof thumbnails): Promise<void> => {
    for await (const { id } of queue.events({ signal: ended.signal })) response.write(`data: ${id}\n\n`);
  };
  await Promise.all([tell(thumbnails), tell(watermarks)]);
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
