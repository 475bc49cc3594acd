/** The operations on webhooks. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { CallOptions, Transport } from '../transport.js';
import type { Webhook } from './schemas.js';

export class Webhooks {
  readonly #transport: Transport;

  /** Use createClient(). */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Delete a webhook; what was not sent yet is not sent any more. */
  delete(webhook: string, options?: CallOptions): Promise<void> {
    return this.#transport.call({
      method: 'DELETE',
      path: '/v1/webhooks/{webhook}',
      params: { webhook },
      options,
    });
  }

  /** List the webhooks that the key may read. */
  list(options?: CallOptions): Promise<{
    readonly webhooks: readonly Webhook[];
  }> {
    return this.#transport.call({ method: 'GET', path: '/v1/webhooks', options });
  }

  /**
   * Tell a receiver what tasks of a queue, or runs of a workflow, become. From now on, or where it follows the
   * same already, from where it is. The URL has an origin of the file of receivers. Messages are signed as
   * Standard Webhooks has it, and sent until they are answered with 2xx, for three days.
   */
  put(
    webhook: string,
    body: {
      readonly url: string;
      /** 1 to 64 letters, digits, "_" and "-"; or "<queue>@<group>" for a group of a queue. */
      readonly queue?: string;
      /** 1 to 64 letters, digits, "_" and "-". */
      readonly workflow?: string;
      /** Of which events. Default: all. */
      readonly kinds?: readonly (
        | 'added'
        | 'begun'
        | 'completed'
        | 'retried'
        | 'deferred'
        | 'failed'
        | 'progress'
        | 'removed'
        | 'cancelled'
        | 'stalled'
        | 'opened'
        | 'closed'
        | 'started'
        | 'waiting'
        | 'stuck'
        | 'ended'
        | 'gap'
      )[];
      /** Whether results, progress and reasons are told, too: with the right `data`. */
      readonly data?: boolean;
    },
    options?: CallOptions,
  ): Promise<void> {
    return this.#transport.call({
      method: 'PUT',
      path: '/v1/webhooks/{webhook}',
      params: { webhook },
      body,
      options,
    });
  }
}
