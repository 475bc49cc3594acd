/** The operations on product. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { CallOptions, ServerEvent, Transport } from '../transport.js';
import type { Examination } from './schemas.js';

export class Product {
  readonly #transport: Transport;

  /** Use createClient(). */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Examine the lock nodes: what is wrong with them, or will be, and what to do. The answer is at most 5 s old. */
  doctor(options?: CallOptions): Promise<Examination> {
    return this.#transport.call({ method: 'GET', path: '/v1/doctor', options });
  }

  /**
   * Follow what operations that read answer: server-sent events, one for each change. The data of an event "read"
   * is `{ topic, value }`, or `{ topic, problem }` where the operation refused.
   */
  live(
    query: { readonly topics: unknown; readonly once?: 'true' | 'false' },
    options?: CallOptions,
  ): AsyncIterable<ServerEvent> {
    return this.#transport.stream({ method: 'GET', path: '/v1/live', query, options });
  }

  /** Tell whose key it is, and what it may do. */
  session(options?: CallOptions): Promise<{
    readonly subject: string;
    /** Absent for who has none. */
    readonly keyId?: string;
    readonly scopes: readonly {
      readonly system: string;
      readonly action: string;
      readonly pattern: string;
    }[];
  }> {
    return this.#transport.call({ method: 'GET', path: '/v1/session', options });
  }

  /** Sign a browser in: a cookie stands for the key of this request, for 12 hours. */
  signIn(options?: CallOptions): Promise<void> {
    return this.#transport.call({ method: 'POST', path: '/v1/session', options });
  }

  /** Sign a browser out. */
  signOut(options?: CallOptions): Promise<void> {
    return this.#transport.call({ method: 'DELETE', path: '/v1/session', options });
  }
}
