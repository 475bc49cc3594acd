/** The operations on elections. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { CallOptions, ServerEvent, Transport } from '../transport.js';
import type { Lease } from './schemas.js';

export class Elections {
  readonly #transport: Transport;

  /** Use createClient(). */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Stand for leadership, and wait to be elected. After 409, ask again with the ticket to keep the place in line.
   * Leadership is a lease: extend it, and end it to resign.
   */
  campaign(
    name: string,
    body: {
      /** How long others wait for a leader that has died, in ms. Default 10000. */
      readonly ttl?: number;
      /** How long to wait, in ms. Default 0. */
      readonly wait?: number;
      /** That of the answer before. */
      readonly ticket?: string;
    },
    options?: CallOptions,
  ): Promise<Lease> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/elections/{name}/candidates',
      params: { name },
      body,
      options,
    });
  }

  /** Tell who leads. */
  leader(
    name: string,
    options?: CallOptions,
  ): Promise<{
    /** Null while nobody leads. Whoever has this token leads. */
    readonly leader: {
      readonly token: number;
      readonly owner: string;
    } | null;
  }> {
    return this.#transport.call({ method: 'GET', path: '/v1/elections/{name}', params: { name }, options });
  }

  /**
   * Follow who leads: server-sent events, one for each leader, and for each time without one. The first event is
   * the present state. The data of an event "leader" is as elections.leader answers. A leader that came and went
   * within a second may not be seen.
   */
  watch(name: string, options?: CallOptions): AsyncIterable<ServerEvent> {
    return this.#transport.stream({
      method: 'GET',
      path: '/v1/elections/{name}/leaders',
      params: { name },
      options,
    });
  }
}
