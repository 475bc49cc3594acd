/** The operations on features. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { CallOptions, Transport } from '../transport.js';
import type { Drift, LaneState, StoreState } from './schemas.js';

export class Features {
  readonly #transport: Transport;

  /** Use createClient(). */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List the views and services of a feature store. */
  describe(
    store: string,
    options?: CallOptions,
  ): Promise<{
    readonly views: readonly string[];
    readonly services: readonly string[];
  }> {
    return this.#transport.call({ method: 'GET', path: '/v1/features/{store}', params: { store }, options });
  }

  /**
   * Measure the drift of the rows that a view serves from its baseline. It looks at up to 5000 rows, for which the
   * server's user needs the right +scan. The answer is at most 5 s old. A view of flags has none (400).
   */
  drift(store: string, view: string, options?: CallOptions): Promise<Drift> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/features/{store}/views/{view}/drift',
      params: { store, view },
      options,
    });
  }

  /**
   * Take a baseline of the rows that a view serves now, in place of the earlier one. Call it when a model is
   * trained: drift is measured against it from then on. It reads up to 10000 rows.
   */
  keepBaseline(
    store: string,
    view: string,
    options?: CallOptions,
  ): Promise<{
    /** When the baseline was taken, in ms since the epoch. */
    readonly since: number;
  }> {
    return this.#transport.call({
      method: 'PUT',
      path: '/v1/features/{store}/views/{view}/baseline',
      params: { store, view },
      options,
    });
  }

  /**
   * Write rows of a view, in a lane, under the token of a lease. The lane takes nothing of a lower token from then
   * on; 412 says that a higher one has it. Have one lease for a lane of a view, and one lane for each source of
   * rows. Rows may be landed again.
   */
  land(
    handle: string,
    store: string,
    view: string,
    body: {
      readonly rows: readonly {
        /** As for reading. */
        readonly id: string | Readonly<Record<string, string>> | null;
        /** When it was so, in ms since the epoch. */
        readonly time: number;
        readonly values: Readonly<Record<string, unknown>>;
      }[];
      /** Default "batch". */
      readonly lane?: string;
      /** Which lane wins where times are equal; lanes other than stream, batch and backfill name theirs. */
      readonly rank?: number;
    },
    options?: CallOptions,
  ): Promise<{
    readonly outcomes: readonly ('accepted' | 'older' | 'equal' | 'erased' | 'refused')[];
    readonly errors: readonly {
      readonly row: number;
      readonly field: string;
      readonly message: string;
    }[];
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/features/{store}/views/{view}/rows',
      params: { store, view },
      handle,
      body,
      options,
    });
  }

  /** List the lanes of a view: who writes it, under which tokens, and how far. */
  lanes(
    store: string,
    view: string,
    query?: { readonly generation?: string },
    options?: CallOptions,
  ): Promise<{
    readonly lanes: readonly LaneState[];
  }> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/features/{store}/views/{view}/lanes',
      params: { store, view },
      query,
      options,
    });
  }

  /** Read rows of a view. */
  rows(
    store: string,
    view: string,
    body: {
      /** Text; of a composite entity an object; null of "global". */
      readonly ids: readonly (string | Readonly<Record<string, string>> | null)[];
    },
    options?: CallOptions,
  ): Promise<{
    readonly rows: readonly {
      readonly values: Readonly<Record<string, unknown>>;
      /** When they held, in ms since the epoch. */
      readonly time?: number;
      /** Why the values are null: missing, expired or torn. */
      readonly reason?: string;
    }[];
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/features/{store}/views/{view}:read',
      params: { store, view },
      body,
      options,
    });
  }

  /** Read what a service serves. */
  serve(
    store: string,
    service: string,
    body: {
      readonly ids: readonly Readonly<Record<string, string>>[];
      readonly request?: unknown;
    },
    options?: CallOptions,
  ): Promise<{
    readonly answers: readonly Readonly<Record<string, unknown>>[];
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/features/{store}/services/{service}:read',
      params: { store, service },
      body,
      options,
    });
  }

  /** Look at a feature store: how fresh its views are, what was refused, and what is wrong. */
  stats(store: string, options?: CallOptions): Promise<StoreState> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/features/{store}/stats',
      params: { store },
      options,
    });
  }

  /**
   * List the feature stores that the key may read. It looks through all keys, for which the server's user needs
   * the right +scan. The answer is at most 5 s old.
   */
  stores(options?: CallOptions): Promise<{
    readonly stores: readonly string[];
  }> {
    return this.#transport.call({ method: 'GET', path: '/v1/features', options });
  }
}
