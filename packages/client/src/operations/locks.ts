/** The operations on locks. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { CallOptions, Transport } from '../transport.js';
import type { Lock } from './schemas.js';

export class Locks {
  readonly #transport: Transport;

  /** Use createClient(). */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * End the lease of whoever holds a resource, for good. The holder learns of it with its next extension; what it
   * still writes is refused where its token is checked.
   */
  break(name: string, options?: CallOptions): Promise<void> {
    return this.#transport.call({
      method: 'DELETE',
      path: '/v1/locks/{name}/holder',
      params: { name },
      options,
    });
  }

  /** Look who holds a resource, and what each node says. */
  inspect(name: string, options?: CallOptions): Promise<Lock> {
    return this.#transport.call({ method: 'GET', path: '/v1/locks/{name}', params: { name }, options });
  }
}
