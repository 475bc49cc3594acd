/**
 * The customers: they order at a rate, and note what they were told.
 *
 * Guarantees: a customer who gets no answer asks again with the same id, so that there is one order. What was told is noted
 * before anything else happens.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rest } from '../../ledger/changes.js';
import type { Dice } from '../../ledger/random.js';
import { CATALOGUE, CUSTOMERS } from '../catalogue.js';
import { YOURS } from '../setting.js';

/** How long a customer waits before asking again, in ms. */
const AGAIN = 300;

/** An order, as it is sent. */
interface Asked {
  readonly id: string;
  readonly account: string;
  readonly product: string;
}

export class Customers {
  /** Whether each order was accepted, as its customer was told; undefined as long as nothing was said. */
  readonly told = new Map<string, boolean | undefined>();
  /** How long each answer took, from the first time that it was asked for, in ms. */
  readonly took: number[] = [];
  readonly #shop: string;

  /** `shop` is the URL of the shop. */
  constructor(shop: string) {
    this.#shop = shop;
  }

  /** Orders `rate` times a second until `over` aborts; those who wait then go on until `cutoff` does. */
  async come(
    rate: number,
    dice: Dice,
    { over, cutoff }: { readonly over: AbortSignal; readonly cutoff: AbortSignal },
  ) {
    const orders: Promise<void>[] = [];
    const began = performance.now();
    for (let due = 0; await rest(Math.max(0, began + due - performance.now()), over); due += 1_000 / rate) {
      const account = dice.between(0, 1) < 0.1 ? YOURS : dice.pick(CUSTOMERS).id;
      orders.push(this.#order({ id: randomUUID(), account, product: dice.pick(CATALOGUE).id }, cutoff));
    }
    await Promise.race([Promise.all(orders), aborted(cutoff)]);
  }

  async #order(order: Asked, cutoff: AbortSignal): Promise<void> {
    const began = performance.now();
    this.told.set(order.id, undefined);
    do {
      const answer = await this.#ask(order);
      if (answer === undefined) continue;
      this.told.set(order.id, answer.status === 'accepted');
      this.took.push(performance.now() - began);
      return;
    } while (await rest(AGAIN, cutoff));
  }

  async #ask(order: Asked): Promise<{ readonly status: string } | undefined> {
    try {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${this.#shop}/orders`, {
        ...{ method: 'POST', headers, body: JSON.stringify(order) },
      });
      const body = (await response.json()) as { readonly status: string };
      return response.ok ? body : undefined;
    } catch {
      return undefined; // whether the order was taken is not known
    }
  }
}

const aborted = (signal: AbortSignal): Promise<unknown> =>
  signal.aborted ? Promise.resolve() : once(signal, 'abort');

/** The time in ms within which `share` of the answers came; 0 if there were none. */
export function percentile(took: readonly number[], share: number): number {
  return [...took].sort((one, other) => one - other)[Math.floor(share * took.length)] ?? 0;
}
