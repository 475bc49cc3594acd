/**
 * What a run may spend on models.
 *
 * Guarantees: a call that begins when the budget is spent throws BudgetExceededError, the same in every replay: what was used
 * is in the journal, so it also survives a takeover and goes with a fork. Calls that are under way are not stopped, so a run
 * may go beyond its budget by what those use.
 */
import { MisuseError, optional, type Reader, readOptions } from '@holdfast/kernel';
import { BudgetExceededError } from '../errors.js';
import type { Usage } from './sdk.js';

export interface BudgetOptions {
  /** Of input and output together. Default: as many as it likes. */
  readonly tokens?: number;
  /** In the currency of `price`. Default: as much as it likes. */
  readonly cost?: number;
  /** Of a million tokens. Must be given with `cost`. */
  readonly price?: { readonly input: number; readonly output: number };
}

const amount: Reader<number> = (option, value) => {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw new MisuseError(`${option} is a number from 0; got ${String(value)}.`);
};

const BUDGET = {
  tokens: optional(amount),
  cost: optional(amount),
  price: optional<{ input: number; output: number }>((option, value) =>
    readOptions(option, value as object, { input: amount, output: amount }),
  ),
};

/** Make it in the workflow's function, and give it to each model of the run. */
export class Budget {
  readonly #limits: { readonly tokens: number; readonly cost: number };
  readonly #price: { readonly input: number; readonly output: number };
  #tokens = 0;
  #cost = 0;

  /** Throws MisuseError. */
  constructor(options: BudgetOptions) {
    const { tokens = Number.POSITIVE_INFINITY, cost, price } = readOptions('Budget', options, BUDGET);
    if (cost !== undefined && price === undefined) {
      throw new MisuseError('Budget takes a price where it takes a cost.');
    }
    this.#limits = { tokens, cost: cost ?? Number.POSITIVE_INFINITY };
    this.#price = price ?? { input: 0, output: 0 };
  }

  get used(): { readonly tokens: number; readonly cost: number } {
    return { tokens: this.#tokens, cost: this.#cost };
  }

  /** A call has used so much. */
  spend({ input, output }: Usage): void {
    this.#tokens += input + output;
    this.#cost += (input * this.#price.input + output * this.#price.output) / 1_000_000;
  }

  /** Throws BudgetExceededError. */
  requireLeft(): void {
    const { tokens, cost } = this.#limits;
    if (this.#tokens < tokens && this.#cost < cost) return;
    throw new BudgetExceededError({ used: this.used, limit: this.#limits });
  }
}
