/**
 * The process of the relays: each stands before a server of this machine and delays what the server answers.
 *
 * Guarantees: the order of the bytes of a connection is kept. The whole delay lies on the way back, so that a round trip takes
 * it once; timers of Node are up to a millisecond late. It ends when its parent does.
 */
import { createConnection, createServer, type Socket } from 'node:net';

/** A server's port, and the delay in ms. */
export interface Way {
  readonly port: number;
  readonly delay: number;
}

process.on('disconnect', () => process.exit());
process.on('message', async (ways: readonly Way[]) => {
  process.send?.({ result: await Promise.all(ways.map(relay)) });
});
process.send?.({ result: 'ready' });

/** Resolves to the port of the relay. */
function relay({ port, delay }: Way): Promise<number> {
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = createConnection({ port, host: '127.0.0.1', noDelay: true });
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes) => later(delay, client, bytes));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}

/** Timers of one delay fire in the order in which they were set. */
function later(delay: number, to: Socket, bytes: Buffer): void {
  if (delay === 0) to.write(bytes);
  else setTimeout(() => to.write(bytes), delay);
}
