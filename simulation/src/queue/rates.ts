/**
 * Judges when deliveries are made: by the limits of the queue, and of its keys, in any span of time.
 */
import type { Reply } from '../redis/index.js';
import type { Violate } from '../run/part.js';
import type { QueuePlan } from './plan.js';
import { TENANT } from './turns.js';

type Rate = QueuePlan['queue']['rate'];

export class Rates {
  readonly #plan: QueuePlan;
  readonly #violate: Violate;
  /** When tasks were delivered, by the server, in ms: those of the queue, '', and of each key. */
  readonly #times = new Map<string, number[]>();

  constructor(plan: QueuePlan, violate: Violate) {
    this.#plan = plan;
    this.#violate = violate;
  }

  /** Deliveries of one call. `entries` are [entry, fields, how often it was delivered, if that is not the first time]. */
  delivered(now: number, entries: readonly Reply[]): void {
    const { rate, keyRate } = this.#plan.queue;
    for (const each of entries) {
      const [, fields, again] = each as unknown as [string, string[], number?];
      this.#judge('', now, rate);
      const key = fields[0] === 'i' ? (/^\d \d ([^\n]*)\n/.exec(fields[2] ?? '')?.[1] ?? '') : '';
      // What was handed back, or taken from who is gone, counts, but is not held back by its key.
      if (key !== '' && !key.startsWith(TENANT)) this.#judge(key, now, keyRate, again === undefined);
    }
  }

  #judge(of: string, now: number, rate: Rate, isHeld = true): void {
    if (rate === undefined) return;
    const times = this.#times.get(of) ?? [];
    this.#times.set(of, times);
    times.push(now);
    const first = times.at(-1 - rate.max);
    if (!isHeld || first === undefined || now - first > rate.per) return;
    const whose = of === '' ? 'the queue' : `the key ${of}`;
    this.#violate('rate', `${rate.max + 1} tasks of ${whose} began within ${now - first} of ${rate.per} ms`);
  }
}
