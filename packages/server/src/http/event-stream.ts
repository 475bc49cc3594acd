/**
 * Sends server-sent events.
 *
 * Guarantees: a viewer that reads too slowly is cut off, so that it costs no more than its buffer; it comes back with the
 * header Last-Event-ID, and goes on after the event that it has seen. A comment every 15 s shows proxies that the stream lives.
 */
import type { ServerResponse } from 'node:http';
import { AbortedError, systemClock } from '@holdfast/kernel';
import type { StreamEvent } from '../operations/operation.js';
import { problemOf } from './problem.js';

/** The most bytes that wait for a viewer. */
const MOST_WAITING = 65_536;
/** In ms. */
const BEAT = 15_000;
const RETRY = 2_000;

export async function sendEvents(
  response: ServerResponse,
  events: AsyncIterable<StreamEvent>,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
  response.write(`retry: ${RETRY}\n\n`);
  let beat = systemClock.after(BEAT, () => tick(), { keepAlive: false });
  const tick = (): void => {
    response.write(': \n\n');
    beat = systemClock.after(BEAT, tick, { keepAlive: false });
  };
  try {
    for await (const event of events) {
      if (response.destroyed) return;
      response.write(encode(event));
      if (response.writableLength > MOST_WAITING) return void response.destroy();
    }
  } catch (error) {
    // Where the server stops, the client comes back to another replica.
    if (!(error instanceof AbortedError))
      response.write(encode({ event: 'problem', data: problemOf(error) }));
  } finally {
    beat.cancel();
    response.end();
  }
}

function encode({ id, event, data }: StreamEvent): string {
  const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`;
  return `${head}data: ${JSON.stringify(data)}\n\n`;
}
