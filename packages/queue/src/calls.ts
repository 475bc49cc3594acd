/**
 * The calls of a session that end and claim deliveries, or compare what is known of them; and what goes along with each:
 * its number, by which the server knows a call that is late, the epoch, and the highest token so far.
 */
import { readWork, type Work } from './claimed.js';
import type { Outcome } from './outcome.js';
import type { QueuePort } from './port.js';
import type { QueueSettings } from './queue.js';

/** What there is to do for a session. */
export interface WorkOrder {
  readonly session: string;
  readonly settled: readonly Outcome[];
  readonly want: number;
  /** Whether an earlier call may have done the same. */
  readonly twice: boolean;
}

/** Of a comparison: the epoch in which it was made, and what the session does not have: "<priority> <entry>". */
export interface Compared {
  readonly epoch: string;
  readonly missing: ReadonlySet<string>;
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
  async work({ session, settled, want, twice }: WorkOrder): Promise<Work | 'lost'> {
    const reply = await this.#port.call('work', [
      session,
      String(this.#lease),
      String(want),
      String(this.#highest),
      String(this.#retain.count),
      String(this.#retain.age),
      this.#number(),
      twice ? '1' : '',
      this.epoch,
      String(settled.length),
      ...settled.flat(),
    ]);
    const work = readWork(reply);
    if (work === undefined) return 'lost';
    this.#highest = Math.max(this.#highest, work.token);
    return work;
  }

  /** `places` are those of what the worker knows of: priority, entry, ... Throws UnavailableError. */
  async reconcile(session: string, places: readonly string[]): Promise<Compared | 'lost'> {
    const args = [session, String(this.#lease), this.#number(), ...places];
    const reply = await this.#port.call('reconcile', args);
    const [word, epoch = '', ...missing] = reply as readonly string[];
    if (word === 'lost') return 'lost';
    const gone = new Set<string>();
    for (let index = 0; index < missing.length; index += 2)
      gone.add(`${missing[index]} ${missing[index + 1]}`);
    return { epoch, missing: gone };
  }

  #number(): string {
    this.#numbers += 1;
    return String(this.#numbers);
  }
}
