/** The operations on quotas. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { CallOptions, Transport } from '../transport.js';

export class Quotas {
  readonly #transport: Transport;

  /** Use createClient(). */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Tell what the quotas of the key are, and how much of each is used. Counted over all replicas, and over all
   * keys of the same subject. What is over is looked up before, so that it is not counted; of more than 2,000
   * things some may be counted still.
   */
  show(options?: CallOptions): Promise<{
    readonly subject: string;
    readonly quotas: Readonly<
      Record<
        string,
        {
          readonly limit: number;
          readonly used: number;
        }
      >
    >;
  }> {
    return this.#transport.call({ method: 'GET', path: '/v1/quotas', options });
  }
}
