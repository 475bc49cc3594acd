/**
 * The calls of a session that end and claim deliveries, or compare what is known of them; and what goes along with each:
 * its number, by which the server knows a call that is late, the epoch, and the highest token so far.
 */
import type { Work } from './claimed.js';
import type { Outcome } from './outcome.js';
import type { QueuePort } from './port.js';
import type { QueueSettings } from './queue-options.js';
import { type Compared, reconcile, work } from './verbs.js';

/** What there is to do for a session. */
export interface WorkOrder {
  readonly session: string;
  readonly settled: readonly Outcome[];
  readonly want: number;
  /** Whether an earlier call may have done the same. */
  readonly twice: boolean;
}

export class SessionCalls {
  /** The queue's epoch in which the worker was sure of what it has; '' before the first answer. */
  epoch = '';
  readonly #port: QueuePort;
  readonly #retain: QueueSettings['retain'];
  /** In ms. */
  readonly #lease: number;
  #numbers = 0;
  #highest = 0;

  constructor(port: QueuePort, { retain }: QueueSettings, lease: number) {
    this.#port = port;
    this.#retain = retain;
    this.#lease = lease;
  }

  /** Throws UnavailableError. */
  async work(order: WorkOrder): Promise<Work | 'lost'> {
    const worked = await this.#port.call(work, {
      ...order,
      lease: this.#lease,
      highest: this.#highest,
      retain: this.#retain,
      number: this.#number(),
      epoch: this.epoch,
    });
    if (worked === undefined) return 'lost';
    this.#highest = Math.max(this.#highest, worked.token);
    return worked;
  }

  /** `places` are those of what the worker knows of: priority, entry, ... Throws UnavailableError. */
  async reconcile(session: string, places: readonly string[]): Promise<Compared | 'lost'> {
    const request = { session, lease: this.#lease, number: this.#number(), places };
    return (await this.#port.call(reconcile, request)) ?? 'lost';
  }

  #number(): number {
    this.#numbers += 1;
    return this.#numbers;
  }
}
