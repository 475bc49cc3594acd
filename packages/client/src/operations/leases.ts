/** The operations on leases. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { CallOptions, Transport } from '../transport.js';
import type { Lease } from './schemas.js';

export class Leases {
  readonly #transport: Transport;

  /** Use createClient(). */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Take the lease on a resource, and wait for it. A request that is repeated with its Idempotency-Key ends the
   * lease that the earlier one was granted, and takes another: have one of them under way at a time. After 409,
   * ask again with the ticket to keep the place in line.
   */
  acquire(
    name: string,
    body: {
      /** How long the lease outlives its last extension, in ms. Default 10000. */
      readonly ttl?: number;
      /** How long to wait for it, in ms. Default 0. */
      readonly wait?: number;
      /** That of the answer before. */
      readonly ticket?: string;
      /** The token must be above this. */
      readonly above?: number;
      /** More resources, all or none. The right is asked for of each. */
      readonly others?: readonly string[];
      /** Whether others may hold it shared at the same time. */
      readonly shared?: boolean;
      /** Take one of so many permits of the semaphore of this name; all callers give the same number. */
      readonly permits?: number;
    },
    options?: CallOptions,
  ): Promise<Lease> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/locks/{name}/leases',
      params: { name },
      body,
      options,
    });
  }

  /**
   * Extend a lease, under its token. On 401, 429 and 5xx, try again until the validity ends. 410 says that the
   * lease is over: stop the work.
   */
  extend(
    handle: string,
    body: {
      /** Default: that of the lease. */
      readonly ttl?: number;
    },
    options?: CallOptions,
  ): Promise<{
    /**
     * For how long the lease is certainly valid, in ms, from the moment at which the client sent the request, plus
     * `waited`.
     */
    readonly validFor: number;
    /** How long the server has had the request, in ms. */
    readonly waited: number;
  }> {
    return this.#transport.call({ method: 'PATCH', path: '/v1/leases', handle, body, options });
  }

  /**
   * End a lease for good. It may be repeated. A shared lease that was ended can be extended again until somebody
   * is granted the exclusive one.
   */
  release(handle: string, options?: CallOptions): Promise<void> {
    return this.#transport.call({ method: 'DELETE', path: '/v1/leases', handle, options });
  }
}
