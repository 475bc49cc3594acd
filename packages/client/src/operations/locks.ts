/** The operations on locks. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { CallOptions, Transport } from '../transport.js';
import type { Lock, LockList, Recorded } from './schemas.js';

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

  /** Read what has happened to a resource: its leases, and the tokens that were refused. */
  history(
    name: string,
    query?: { readonly limit?: number },
    options?: CallOptions,
  ): Promise<{
    readonly entries: readonly Recorded[];
  }> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/locks/{name}/history',
      params: { name },
      query,
      options,
    });
  }

  /** Look who holds a resource, and what each node says. */
  inspect(name: string, options?: CallOptions): Promise<Lock> {
    return this.#transport.call({ method: 'GET', path: '/v1/locks/{name}', params: { name }, options });
  }

  /**
   * List the leases that are held, in the order of their names. It looks through the keys of the nodes, for which
   * the server's user needs the right +scan there.
   */
  list(
    query?: { readonly prefix?: string; readonly limit?: number },
    options?: CallOptions,
  ): Promise<LockList> {
    return this.#transport.call({ method: 'GET', path: '/v1/locks', query, options });
  }

  /** Read which tokens were refused, of all resources. */
  refusals(
    query?: { readonly limit?: number },
    options?: CallOptions,
  ): Promise<{
    readonly entries: readonly Recorded[];
  }> {
    return this.#transport.call({ method: 'GET', path: '/v1/refusals', query, options });
  }
}
