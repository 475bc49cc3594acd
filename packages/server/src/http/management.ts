/**
 * The management port: whether the process lives and is ready, its metrics, and what scalers ask for, apart from the public port.
 *
 * Guarantees: nothing else is answered there, and nothing that changes anything. It asks for no key and has no TLS, so it is for a
 * network that only probes, Prometheus and scalers reach. It answers until the server has stopped.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { MisuseError, messageOf } from '@holdfast/kernel';
import type { Operation } from '../operations/operation.js';
import type { Answering } from './answering.js';

const ANSWERED = [
  ...['product.healthz', 'product.readyz', 'product.metrics', 'queues.demand', 'workflows.demand'],
];

/** The operations of the management port, for anybody. */
export const managed = (operations: readonly Operation[]): readonly Operation[] =>
  operations
    .filter(({ id }) => ANSWERED.includes(id))
    .map((operation) => ({ ...operation, right: undefined, judgedBy: undefined }));

export class Management {
  readonly #http: Server;

  /** Begins to listen; a port of 0 takes a free one. Rejects with MisuseError if it cannot. */
  static async listen(
    { host, port }: { readonly host: string; readonly port: number },
    answering: Answering,
  ): Promise<Management> {
    const http = createServer({ headersTimeout: 10_000, requestTimeout: 30_000 }, (request, response) => {
      void answering.answer(request, response);
    });
    try {
      http.listen(port, host);
      await once(http, 'listening');
    } catch (cause) {
      throw new MisuseError(
        `Nothing can listen on ${host}:${port} for management: ${messageOf(cause)}. Choose another port.`,
        { cause },
      );
    }
    return new Management(http);
  }

  private constructor(http: Server) {
    this.#http = http;
  }

  get url(): string {
    const { address, port } = this.#http.address() as AddressInfo;
    return `http://${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
  }

  /** Ends its connections. */
  async close(): Promise<void> {
    const closed = once(this.#http, 'close');
    this.#http.close();
    this.#http.closeAllConnections();
    await closed;
  }
}
