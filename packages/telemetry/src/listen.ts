/**
 * `listen(port)`: the HTTP endpoints that an operator expects of a process. `/healthz` says that it runs, `/readyz`
 * whether its workers do their work, and `/metrics` has their counts, for Prometheus.
 *
 * Guarantees: each answer reflects the moment of the request. `/readyz` is 503 with the reason while a worker has a
 * problem, `/metrics` is 503 while a source of metrics fails. After `close` the port is free. Use it in a network that
 * you trust: it asks nobody for a password.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  HoldfastError,
  list,
  MisuseError,
  optional,
  type Readers,
  readOptions,
  type Settings,
  text,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { joinTexts, PROMETHEUS } from './prometheus.js';
import { beginTally, tallyText } from './tally.js';

export interface ListenOptions {
  /** The workers whose `problem` makes the process not ready. Default: none, so that it is ready while it runs. */
  readonly workers?: readonly { readonly problem: string | undefined }[];
  /** More metrics in the text format of Prometheus, such as `() => metricsText([queue])`. Default: none. */
  readonly metrics?: readonly (() => string | Promise<string>)[];
  /** The address to listen on. Default: all addresses of this machine. */
  readonly host?: string;
}

const LISTEN = {
  workers: withDefault(list<Workers[number]>('a list of workers'), []),
  metrics: withDefault(list<() => string | Promise<string>>('a list of functions that give text'), []),
  host: optional(text('an address')),
} satisfies Readers<ListenOptions>;

type Workers = NonNullable<ListenOptions['workers']>;

const portNumber = whole(0, 65_535);

/** Made by `listen`. */
export interface Endpoints extends AsyncDisposable {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Listens on `port`; 0 is any free port. Call it before the work begins: `/metrics` counts from then on.
 * Throws MisuseError for options that cannot work, and if the port is in use.
 */
export async function listen(port: number, options: ListenOptions = {}): Promise<Endpoints> {
  const settings = readOptions('listen', options, LISTEN);
  portNumber('The port', port);
  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    void answer(path, settings).then(({ status, type = 'text/plain; charset=utf-8', body }) => {
      response.writeHead(status, { 'content-type': type }).end(request.method === 'HEAD' ? '' : body);
    });
  });
  await bind(server, port, settings.host);
  const end = beginTally();
  const close = async (): Promise<void> => {
    end();
    server.closeAllConnections();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  return { port: (server.address() as AddressInfo).port, close, [Symbol.asyncDispose]: close };
}

async function bind(server: Server, port: number, host: string | undefined): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MisuseError(`Nothing can listen on port ${port}: ${reason}. Choose another, or 0.`, { cause });
  }
}

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly body: string;
}

async function answer(path: string, { workers, metrics }: Settings<typeof LISTEN>): Promise<Answer> {
  if (path === '/healthz') return { status: 200, body: 'ok\n' };
  if (path === '/readyz') return readiness(workers);
  if (path !== '/metrics') return { status: 404, body: 'There are /healthz, /readyz and /metrics.\n' };
  try {
    const texts = await Promise.all(metrics.map((read) => read()));
    return { status: 200, type: PROMETHEUS, body: joinTexts([tallyText(), ...texts]) };
  } catch (error) {
    // Only our own errors are known to show no secret.
    const reason = error instanceof HoldfastError ? error.message : 'a source of metrics has failed';
    return { status: 503, body: `The metrics could not be read: ${reason}\n` };
  }
}

function readiness(workers: Workers): Answer {
  const problems = workers.map(({ problem }) => problem).filter((problem) => problem !== undefined);
  if (problems.length === 0) return { status: 200, body: 'ready\n' };
  return { status: 503, body: `${problems.join('\n')}\n` };
}
