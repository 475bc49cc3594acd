/**
 * An order is a run of the fraud check, with the parts of this shop: who the customer is comes from the features, the model is a
 * mock whose words stream in, the account is charged under a lease, and what is shipped is a picture.
 *
 * Guarantees: an order that the shop has taken goes on until it is charged and shipped, or refused, whichever workers die.
 */
import type { Features } from '@holdfast/features';
import { createWorkflows, defineWorkflow, type Workflow, type Workflows } from '@holdfast/workflow';
import { type Accounts, fraudCheck, Order, type Verdict } from '../fraud-check/fraud-check.js';
import { model } from '../fraud-check/mocks.js';
import type { Pictures } from './pictures.js';
import { profiles } from './recommendations.js';

/** For programs that start orders and follow them, and let no run go on: the shop itself. */
export const ordered: Workflow<Order, Verdict> = defineWorkflow({ name: 'fraud-check', input: Order }, () => {
  throw new Error('The shop only takes orders: its workers check and charge them.');
});

export interface OrderParts {
  readonly store: Features;
  readonly pictures: Pictures;
  readonly accounts: Accounts;
}

export const checkOf = ({ store, pictures, accounts }: OrderParts): Workflow<Order, Verdict> =>
  fraudCheck({
    profileOf: async (account) => {
      const [row] = await store.get(profiles, [{ account }]);
      return { age: row?.['customer.age'] ?? 0, country: row?.['customer.country'] ?? '??' };
    },
    model,
    accounts,
    ship: async ({ id, product = '' }) => {
      await pictures.add({ id, product }, { id }); // once, however often the step is tried
    },
  });

/** The app of the orders. Kept are those of the last ten minutes. */
export const openOrders = (redis: string, check = ordered): Workflows =>
  createWorkflows({ redis, name: 'orders', workflows: [check], retain: 600_000 });
