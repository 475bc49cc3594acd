/**
 * A client of a Holdfast server.
 *
 * Guarantees: it holds nothing but its options, opens no connection of its own, and needs no closing.
 */
import { acquire, type HeldLease, type LeaseOptions } from './lease.js';
import { Systems } from './operations/systems.js';
import { type ClientOptions, transportTo } from './transport.js';
import { type Handler, type WorkOptions, work } from './worker.js';

export class Client extends Systems {
  /** Use createClient(). */
  constructor(options: ClientOptions) {
    super(transportTo(options));
  }

  /**
   * Takes the lease on a resource, and keeps it until it is given back: `await using lease = await client.lease('account:42')`.
   * Throws a ProblemError, of 409 where somebody else holds it, UnreachableError, and the reason of the signal.
   */
  lease(name: string, options: LeaseOptions = {}): Promise<HeldLease> {
    return acquire(this.leases, name, options);
  }

  /**
   * Takes tasks of a queue, and gives each to `handler`: what that returns is the task's result; a task whose handler throws is
   * tried again after its backoff. Resolves when the signal has aborted and all that was under way has ended. Rejects with a
   * ProblemError if the key lacks the right queues:work.
   */
  work(queue: string, handler: Handler, options: WorkOptions = {}): Promise<void> {
    return work(this.claims, queue, handler, options);
  }
}

/** A client of the server at `url`. Throws TypeError if that is no URL. */
export const createClient = (options: ClientOptions): Client => new Client(options);
