/**
 * The calls of a session that end and claim deliveries, or compare what is known of them; and what goes along with each:
 * its number, by which the server knows a call that is late, the epoch, and the highest token so far.
 */
import type { Claimed, Work } from './claimed.js';
import type { Health } from './health.js';
import type { Outcome } from './outcome.js';
import type { QueuePort } from './port.js';
import type { QueueSettings } from './queue-options.js';
import { type Compared, progress, reconcile, work } from './verbs.js';

/** What there is to do for a session. */
export interface WorkOrder {
  readonly session: string;
  readonly settled: readonly Outcome[];
  readonly want: number;
}

export class SessionCalls {
  /** The queue's epoch in which the worker was sure of what it has; '' before the first answer. */
  epoch = '';
  readonly #port: QueuePort;
  readonly #retain: QueueSettings['retain'];
  /** In ms. */
  readonly #lease: number;
  readonly #health: Health;
  #numbers = 0;
  #highest = 0;

  constructor(
    { port, settings }: { readonly port: QueuePort; readonly settings: QueueSettings },
    lease: number,
    health: Health,
  ) {
    this.#port = port;
    this.#retain = settings.retain;
    this.#lease = lease;
    this.#health = health;
  }

  /** Throws UnavailableError. */
  work(order: WorkOrder): Promise<Work | 'lost'> {
    return this.#work(order, false);
  }

  /**
   * Repeats the ends of deliveries of a call that was not answered, until one is or `isOpen` says that there is no sense in
   * it any more: then it resolves to undefined.
   */
  async repeat(
    session: string,
    settled: readonly Outcome[],
    isOpen: () => boolean,
  ): Promise<Work | 'lost' | undefined> {
    for (let tries = 0; settled.length > 0 && isOpen(); tries += 1) {
      await this.#health.pause(tries);
      try {
        return await this.#work({ session, settled, want: 0 }, true);
      } catch (error) {
        this.#health.failed(error);
      }
    }
    return undefined;
  }

  /** `twice`: an earlier call may have done the same. */
  async #work(order: WorkOrder, twice: boolean): Promise<Work | 'lost'> {
    const worked = await this.#port.call(work, {
      ...order,
      twice,
      lease: this.#lease,
      highest: this.#highest,
      retain: this.#retain,
      number: this.#number(),
      epoch: this.epoch,
    });
    this.#health.succeeded();
    if (worked === undefined) return 'lost';
    this.#highest = Math.max(this.#highest, worked.token);
    return worked;
  }

  /** `places` are those of what the worker knows of: priority, entry, ... Throws UnavailableError. */
  async reconcile(session: string, places: readonly string[]): Promise<Compared | 'lost'> {
    const request = { session, lease: this.#lease, number: this.#number(), places };
    const compared = await this.#port.call(reconcile, request);
    this.#health.succeeded();
    return compared ?? 'lost';
  }

  /** Notes how far a task is. False if the session does not have it any more. Throws UnavailableError. */
  progress(session: string, { priority, entry, id }: Claimed, text: string): Promise<boolean> {
    return this.#port.call(progress, { session, priority, entry, id, progress: text });
  }

  #number(): number {
    this.#numbers += 1;
    return this.#numbers;
  }
}
