/**
 * Ports on the loopback address.
 *
 * Guarantees: `reservePort` gives this program no port twice until it is released, so that a killed node finds its own
 * port again; it prefers ports that the system gives to no client, because a client that keeps dialling a dead node
 * could otherwise get the node's port as its own and block it. Another program may still take the port first.
 */
import { createServer } from 'node:net';
import { systemRandom } from '@holdfast/kernel';

/** Below the ports that Linux (from 32768) and macOS (from 49152) give to clients. */
const LOWEST = 20_000;
const HIGHEST = 32_767;

/** How many ports to try there before the system chooses one. */
const TRIES = 100;

const reserved = new Set<number>();

/** A port that was free a moment ago. */
export async function reservePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = LOWEST + Math.floor(systemRandom.unit() * (HIGHEST - LOWEST + 1));
    if (reserved.has(port)) continue;
    reserved.add(port);
    if (await isFree(port)) return port;
    reserved.delete(port);
  }
  const port = await listenOnce(0);
  reserved.add(port);
  return port;
}

export function releasePort(port: number): void {
  reserved.delete(port);
}

/** Whether nobody listens on the port. */
export async function isFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port);
    return true;
  } catch {
    return false;
  }
}

/** Listens for a moment; resolves to the port, of the system's choice if `port` is 0. */
function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : port));
    });
  });
}
