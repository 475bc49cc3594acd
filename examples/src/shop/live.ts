/** What the page is told as it happens, as server-sent events: the state of the shop, and the run of an order. */
import type { ServerResponse } from 'node:http';
import type { Run } from '@holdfast/workflow';
import { onAbort, rest } from '../ledger/changes.js';
import type { ToShop } from './messages.js';
import { PAGE_HEADERS } from './page.js';

/** How often the run of an order is looked at, in ms. */
const AGAIN = 150;

/** Begins a stream of events. `gone` aborts when nobody reads it any more. */
function streamTo(response: ServerResponse) {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.writeHead(200, { ...PAGE_HEADERS, 'content-type': 'text/event-stream' }).write('retry: 2000\n\n');
  const tell = (event: string, data: unknown): void =>
    void response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  return { tell, gone: gone.signal };
}

/** Everybody who has the page open. */
export class Live {
  readonly #pages = new Set<(event: string, data: unknown) => void>();

  add(response: ServerResponse): void {
    const { tell, gone } = streamTo(response);
    this.#pages.add(tell);
    onAbort(gone, () => this.#pages.delete(tell));
  }

  hear(message: ToShop): void {
    const data = message.kind === 'event' ? message.text : message.snapshot;
    for (const tell of this.#pages) tell(message.kind, data);
  }
}

/** The words of the model as they come, the steps as they are done, and the end. */
export async function follow(run: Run, response: ServerResponse): Promise<void> {
  const { tell, gone } = streamTo(response);
  let isOver = false;
  const over = run.result({ signal: gone }).then(
    (result) => result,
    (error: Error) => ({ status: 'failed', error: error.message }),
  );
  void over.then(() => {
    isOver = true;
  });
  try {
    const speaking = (async () => {
      for await (const item of run.stream<string>('reasons', { signal: gone }))
        tell(item.kind === 'chunk' ? 'word' : 'restart', item.kind === 'chunk' ? item.chunk : null);
    })();
    speaking.catch(() => {}); // it is awaited below, unless something else fails before
    do tell('steps', stepsOf(await run.history()));
    while (!isOver && (await rest(AGAIN, gone)));
    await speaking;
    tell('steps', stepsOf(await run.history()));
    tell('end', await over);
  } catch {
    // The reader has gone, or asks for an order that there is not: it is told that the stream has ended.
  }
  response.end();
}

/** When each step of a run began, in ms after its start, and how long it took. */
function stepsOf(history: Awaited<ReturnType<Run['history']>>) {
  const [header] = history;
  const started = header?.kind === 'header' ? (header.at ?? 0) : 0;
  return history.flatMap((record) => {
    if (record.kind !== 'done' || record.span === undefined) return [];
    const { name, token, attempt, span } = record;
    return [{ name, token, attempt, from: token / 1_000 + span[0] - started, took: span[1] }];
  });
}
