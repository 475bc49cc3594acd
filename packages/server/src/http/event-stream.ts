/**
 * Sends server-sent events.
 *
 * Guarantees: a viewer is given the next event when it has read those before, so that it costs no more than one event. One
 * that reads nothing for 15 s is cut off; it comes back with the header Last-Event-ID, and goes on after the event that it
 * has seen. A comment every 15 s shows proxies that the stream lives.
 */
import type { ServerResponse } from 'node:http';
import { AbortedError, systemClock } from '@holdfast/kernel';
import type { StreamEvent } from '../operations/operation.js';
import { problemOf } from './problem.js';

/** In ms. */
const BEAT = 15_000;
/** For how long a viewer may read nothing of what was sent, in ms. */
const PATIENCE = 15_000;
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
      if (!response.write(encode(event)) && !(await isRead(response))) return void response.destroy();
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

/** Resolves to whether the viewer has read what was sent, in time. */
function isRead(response: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (outcome: boolean): void => {
      timer.cancel();
      response.off('drain', read).off('close', gone);
      resolve(outcome);
    };
    const [read, gone] = [() => end(true), () => end(false)];
    const timer = systemClock.after(PATIENCE, gone, { keepAlive: false });
    response.once('drain', read).once('close', gone);
  });
}

function encode({ id, event, data }: StreamEvent): string {
  const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`;
  return `${head}data: ${JSON.stringify(data)}\n\n`;
}
