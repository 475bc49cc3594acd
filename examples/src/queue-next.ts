/**
 * A queue in a Next.js app: what `app/api/images/route.ts` exports are functions of a standard Request that return a
 * standard Response. They are called here as Next calls them, without Next, which is too large to install for it.
 *
 * A route handler adds tasks and shows events. The worker is a process of its own: a function that is frozen after its
 * answer cannot renew leases.
 */
// #region readme
import { createQueue, createWorker, type Queue } from '@holdfast/queue';
import { data, stop } from './nodes.js';

// One for the process, also when a module is loaded again in development.
const shared = globalThis as { images?: Queue<{ url: string }> };
shared.images ??= createQueue<{ url: string }>({ redis: data, name: 'images', retry: { within: 5_000 } });
const { images } = shared;

export async function POST(request: Request): Promise<Response> {
  const { id } = await images.add((await request.json()) as { url: string });
  return Response.json({ id }, { status: 202 });
}

export function GET(request: Request): Response {
  const after = request.headers.get('last-event-id') ?? new URL(request.url).searchParams.get('after');
  const events = images.events({ signal: request.signal, ...(after && { after }) });
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    async pull(controller) {
      const { value, done } = await events.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(`id: ${value.cursor}\ndata: ${JSON.stringify(value)}\n\n`));
    },
    cancel: () => void events.return(),
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}
// #endregion readme

const url = 'http://localhost/api/images?after=0:0-0';
const added = await POST(new Request(url, { method: 'POST', body: '{"url":"cat.png"}' }));
const worker = createWorker({ queue: images, handler: ({ data: { url } }) => `small ${url}` });
const leaving = new AbortController();
const response = GET(new Request(url, { signal: leaving.signal }));
const reader = response.body?.getReader();
const { value } = (await reader?.read()) ?? {};
console.log(added.status, /"kind":"completed".*"small cat\.png"/.test(new TextDecoder().decode(value)));
leaving.abort();
console.log((await reader?.read())?.done);
await worker.stop();
await images.close();
await stop();
