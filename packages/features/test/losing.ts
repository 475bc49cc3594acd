/** A way to a Redis server on which an answer can be lost: the call was carried out, and nobody is told. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { later } from './setting.js';

export interface Losing {
  /** Leads to the server. */
  readonly url: string;
  /** Loses the answer to the next call whose bytes have `text`, and lets nobody through until `restore`. */
  lose(text: string): Promise<void>;
  restore(): void;
}

export async function losingWay(to: string): Promise<Losing> {
  const { port } = new URL(to);
  const sockets = new Set<Socket>();
  let losing: { readonly text: string; readonly done: () => void } | undefined;
  let isBlocked = false;
  const server: Server = createServer((near) => {
    if (isBlocked) {
      near.destroy();
      return;
    }
    const far = connect(Number(port), '127.0.0.1');
    let isLost: (() => void) | undefined;
    for (const each of [near, far]) {
      sockets.add(each);
      each.on('error', () => {});
      each.on('close', () => {
        sockets.delete(each);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (bytes) => {
      if (losing !== undefined && bytes.includes(losing.text)) {
        isLost = losing.done;
        losing = undefined;
      }
      far.write(bytes);
    });
    far.on('data', (bytes) => {
      if (isLost === undefined) {
        near.write(bytes);
        return;
      }
      isBlocked = true;
      isLost();
      for (const each of sockets) each.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  later(() => {
    for (const each of sockets) each.destroy();
    server.close();
  });
  const address = server.address() as { port: number };
  return {
    url: `redis://127.0.0.1:${address.port}`,
    lose: (text) =>
      new Promise((resolve) => {
        losing = { text, done: resolve };
      }),
    restore: () => {
      isBlocked = false;
    },
  };
}
