/** The operations on fences. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { CallOptions, Transport } from '../transport.js';

export class Fences {
  readonly #transport: Transport;

  /** Use createClient(). */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Show the token of a lease to the fence of its resource, which refuses lower ones from then on. Do so before
   * reading what is then changed. 412 says that the token is stale: stop the work. Programs that guard data on the
   * same Redis, with @holdfast/fence/redis, share the fence.
   */
  seal(
    handle: string,
    body: {
      /** Of a lease on several: which one. Default: the first. */
      readonly resource?: string;
    },
    options?: CallOptions,
  ): Promise<{
    readonly resource: string;
    readonly token: number;
    readonly issuer: string;
  }> {
    return this.#transport.call({ method: 'POST', path: '/v1/fences:seal', handle, body, options });
  }

  /** Read the fence of a resource: the highest token that was shown to it. */
  show(
    name: string,
    query?: { readonly slot?: number },
    options?: CallOptions,
  ): Promise<{
    readonly resource: string;
    /** Null if none was shown. */
    readonly token: number | null;
    readonly issuer?: string;
  }> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/fences/{name}',
      params: { name },
      query,
      options,
    });
  }
}
