/**
 * The deliveries of a session, from the answer that claimed them to the call that ends them: first ahead, then begun,
 * then settled, with an outcome that waits for the next call.
 *
 * Guarantees: each delivery is in one of the three places. An outcome counts only while its delivery is begun: what a
 * handler returns after its delivery was handed back or lost is dropped. No input or output, no clock: times are passed
 * in.
 */
import type { HoldfastError } from '@holdfast/kernel';
import type { SessionEnd } from '@holdfast/redis';
import type { Claimed } from './claimed.js';
import { type Outcome, placeOfEnd } from './outcome.js';
import type { DeliveredTask } from './task.js';

/** A delivery that has not begun. */
export interface Ahead {
  readonly claimed: Claimed;
  readonly token: number;
  /** The time of the server, in ms. */
  readonly now: number;
  /** Monotonic time at which it was claimed. */
  readonly since: number;
}

/** Why a task is lost with its session. */
const WHY: Readonly<Record<SessionEnd, string>> = {
  late: 'the worker did not renew it in time',
  forgotten: 'the queue was obliterated, or Redis has lost data',
  unreachable: 'its queue was closed',
};

export class Deliveries {
  /** Keyed by the delivery: each is an object of its own, which costs less to look up than its place as text. */
  readonly #begun = new Map<Claimed, DeliveredTask<unknown>>();
  #ahead: Ahead[] = [];
  #settled: Outcome[] = [];

  /** How many have begun. */
  get begun(): number {
    return this.#begun.size;
  }

  /** Those that have begun. */
  get tasks(): readonly DeliveredTask<unknown>[] {
    return [...this.#begun.values()];
  }

  /** How many were claimed and have not begun. */
  get ahead(): number {
    return this.#ahead.length;
  }

  /** How many outcomes wait for the next call. */
  get settled(): number {
    return this.#settled.length;
  }

  get isEmpty(): boolean {
    return this.#begun.size + this.#ahead.length + this.#settled.length === 0;
  }

  claimed(delivery: Ahead): void {
    this.#ahead.push(delivery);
  }

  /** Takes the next delivery to begin: unless the caller begins it, it is no longer held. */
  next(): Ahead | undefined {
    return this.#ahead.shift();
  }

  begin(claimed: Claimed, task: DeliveredTask<unknown>): void {
    this.#begun.set(claimed, task);
  }

  /** The handler of `task` has ended. False if the delivery was handed back or lost meanwhile. */
  settle(claimed: Claimed, task: DeliveredTask<unknown>, outcome: Outcome): boolean {
    if (this.#begun.get(claimed) !== task) return false;
    this.#begun.delete(claimed);
    this.#settled.push(outcome);
    return true;
  }

  /** Takes outcomes for a call. */
  takeSettled(most: number): readonly Outcome[] {
    return this.#settled.splice(0, most);
  }

  /** Hands back the deliveries that were claimed until `time` and have not begun. Returns how many. */
  handBackAhead(time: number): number {
    const late = this.#ahead.filter(({ since }) => since <= time);
    if (late.length === 0) return 0;
    this.#ahead = this.#ahead.filter(({ since }) => since > time);
    for (const { claimed } of late) this.#settled.push(handedBack(claimed));
    return late.length;
  }

  /**
   * The task of a delivery was cancelled: its signal aborts with `reasonOf`, and the delivery is given up, which ends the
   * task. False if the delivery is not ours.
   */
  cancel(place: string, reasonOf: (id: string) => HoldfastError): boolean {
    const ahead = this.#ahead.find(({ claimed }) => placeOf(claimed) === place);
    if (ahead) {
      this.#ahead = this.#ahead.filter((one) => one !== ahead);
      this.#settled.push(handedBack(ahead.claimed));
      return true;
    }
    for (const [claimed, task] of this.#begun) {
      if (placeOf(claimed) !== place) continue;
      task.end(reasonOf(claimed.id));
      this.#begun.delete(claimed);
      this.#settled.push(handedBack(claimed));
      return true;
    }
    return false;
  }

  /** The delivery that began first of those that have not ended. */
  get oldest(): Claimed | undefined {
    return this.#begun.keys().next().value;
  }

  /** Hands back the deliveries that have begun: their signals abort with `reason`. */
  handBackBegun(reason: HoldfastError): void {
    for (const [claimed, task] of this.#begun) {
      task.end(reason);
      this.#settled.push(handedBack(claimed));
    }
    this.#begun.clear();
  }

  /** The places of all deliveries: priority, entry, ... */
  places(): readonly string[] {
    const held = [...this.#begun.keys(), ...this.#ahead.map(({ claimed }) => claimed)];
    return [
      ...held.flatMap(({ priority, entry }) => [priority, entry]),
      ...this.#settled.flatMap(placeOfEnd),
    ];
  }

  /** The places ("<priority> <entry>") of all deliveries, and of those that `ending` ends. */
  known(ending: readonly Outcome[]): ReadonlySet<string> {
    const held = [...this.#begun.keys(), ...this.#ahead.map(({ claimed }) => claimed)];
    const ended = [...this.#settled, ...ending].map((outcome) => placeOfEnd(outcome).join(' '));
    return new Set([...held.map(placeOf), ...ended]);
  }

  /**
   * Drops those in `gone` ("<priority> <entry>"), which are not ours: the server has forgotten that it delivered them.
   */
  forget(gone: ReadonlySet<string>): void {
    for (const [claimed, task] of this.#begun) {
      if (!gone.has(placeOf(claimed))) continue;
      task.end(task.lost('the server has forgotten that it delivered it'));
      this.#begun.delete(claimed);
    }
    this.#ahead = this.#ahead.filter(({ claimed }) => !gone.has(placeOf(claimed)));
    this.#settled = this.#settled.filter((outcome) => !gone.has(placeOfEnd(outcome).join(' ')));
  }

  /** The session is over: none of them is ours any more. Returns how many had begun or ended. */
  lose(why: SessionEnd): number {
    const lost = this.#begun.size + this.#settled.length;
    for (const task of this.#begun.values()) task.end(task.lost(WHY[why]));
    this.#begun.clear();
    this.#ahead = [];
    this.#settled = [];
    return lost;
  }
}

/** The outcome of a delivery that is given to others; it does not count as an attempt, unless `counts`. */
export function handedBack({ priority, entry, deliveries }: Claimed, counts = false): Outcome {
  return ['back', priority, entry, String(deliveries + (counts ? 1 : 0))];
}

/** The place of a delivery, as a text to compare. */
export const placeOf = ({ priority, entry }: Claimed): string => `${priority} ${entry}`;
