/**
 * The calls of a worker's session with a queue: those that keep the session, those that end and claim deliveries, and
 * the one that compares what both sides know of them.
 */
import { type Health, type LeaseCalls, type Numbered, NumberedCalls } from '@holdfast/redis';
import type { Claimed, Work } from './claimed.js';
import type { Outcome } from './outcome.js';
import type { QueuePort } from './port.js';
import { type Compared, close, log, open, progress, type Renewed, reconcile, renew, work } from './verbs.js';

/** A call's work for a session. */
export interface WorkOrder {
  readonly session: string;
  readonly settled: readonly Outcome[];
  readonly want: number;
}

export class SessionCalls implements LeaseCalls<Renewed> {
  readonly #numbered: NumberedCalls;
  readonly #port: QueuePort;
  /** In ms. */
  readonly #lease: number;

  constructor(port: QueuePort, lease: number, health: Health) {
    this.#port = port;
    this.#lease = lease;
    this.#numbered = new NumberedCalls(health);
  }

  /** The queue's epoch in which the worker was sure of its deliveries; '' before the first answer. */
  get epoch(): string {
    return this.#numbered.epoch;
  }

  set epoch(epoch: string) {
    this.#numbered.epoch = epoch;
  }

  open(session: string): Promise<unknown> {
    return this.#port.call(open, { session, lease: this.#lease });
  }

  renew(session: string): Promise<Renewed | undefined> {
    return this.#port.call(renew, { session, lease: this.#lease });
  }

  close(session: string): Promise<unknown> {
    return this.#port.call(close, session);
  }

  /** Throws UnavailableError. */
  work(order: WorkOrder): Promise<Work | 'lost'> {
    return this.#numbered.call((numbered) => this.#work(order, numbered));
  }

  /**
   * Repeats the ends of deliveries of a call that was not answered, until a repetition is answered, or `isOpen` says
   * that there is no longer any point: it then resolves to undefined.
   */
  async repeat(
    session: string,
    settled: readonly Outcome[],
    isOpen: () => boolean,
  ): Promise<Work | 'lost' | undefined> {
    if (settled.length === 0) return undefined;
    const order = { session, settled, want: 0 };
    return this.#numbered.repeat((numbered) => this.#work(order, numbered), isOpen);
  }

  async #work(order: WorkOrder, numbered: Numbered): Promise<Work | undefined> {
    const request = { ...order, ...numbered, lease: this.#lease };
    const worked = await this.#port.call(work, request);
    if (worked) this.#numbered.issued(worked.token);
    return worked;
  }

  /** `places` are those of the deliveries that the worker knows of: priority, entry, ... Throws UnavailableError. */
  reconcile(session: string, places: readonly string[]): Promise<Compared | 'lost'> {
    return this.#numbered.call(({ number }) =>
      this.#port.call(reconcile, { session, lease: this.#lease, number, places }),
    );
  }

  /** Records the progress of a task. False if the session no longer has it. Throws UnavailableError. */
  progress(session: string, { priority, entry, id }: Claimed, text: string): Promise<boolean> {
    return this.#port.call(progress, { session, priority, entry, id, progress: text });
  }

  /** Logs a line of a task. False if the session no longer has it. Throws UnavailableError. */
  log(session: string, claimed: Claimed, attempt: number, line: string): Promise<boolean> {
    const { priority, entry, id } = claimed;
    return this.#port.call(log, { session, priority, entry, id, attempt, line });
  }
}
