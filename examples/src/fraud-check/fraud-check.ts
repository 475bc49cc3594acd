/**
 * The reference case of a workflow with money in it: an order comes in as an event, a model judges it and streams its
 * reasons, a person approves what is large or doubtful, and the account is charged.
 *
 * Guarantees: the account is charged once for an order that is accepted, whichever workers die or freeze meanwhile. If the
 * order cannot be shipped, the charge is given back. While a run waits for a person, it keeps no worker busy.
 */
import { defineWorkflow, NonRetryableError, type Step, type Workflow } from '@holdfast/workflow';
import { durableModel } from '@holdfast/workflow/ai';
import { type LanguageModel, streamText } from 'ai';
import { z } from 'zod';

export const Order = z.object({
  id: z.string(),
  account: z.string(),
  amount: z.number().int().positive(),
  /** What is bought, in a shop that sells more than one thing. */
  product: z.string().optional(),
});
export type Order = z.infer<typeof Order>;

export interface Profile {
  /** Of the account, in days. */
  readonly age: number;
  readonly country: string;
}

/** Asks the bank whether an order may be charged. */
export type Authorise = (order: Order) => Promise<void>;

/** The accounts, behind a guard: each call does its work once, however often it is made, and whoever makes it. */
export interface Accounts {
  charge(step: Step, order: Order): Promise<void>;
  giveBack(step: Step, order: Order): Promise<void>;
}

/** What the workflow takes from outside, so that a test, or another shop, gives it other parts. */
export interface Parts {
  readonly profileOf: (account: string, signal: AbortSignal) => Promise<Profile>;
  readonly model: Exclude<LanguageModel, string>;
  readonly accounts: Accounts;
  /** Throws NonRetryableError for what is sold out. It knows the key of a shipment that it has made. */
  readonly ship: (order: Order, idempotencyKey: string) => Promise<void>;
}

export type Verdict =
  | { readonly status: 'accepted'; readonly risk: number }
  | { readonly status: 'refused'; readonly risk: number; readonly by: string };

/** Orders of more than that are shown to a person. */
const LARGE = 1_000;
const DAY = 86_400_000;

export function fraudCheck({ profileOf, model, accounts, ship }: Parts): Workflow<Order, Verdict> {
  return defineWorkflow({ name: 'fraud-check', input: Order }, async (ctx, order): Promise<Verdict> => {
    const profile = await ctx.step('profile', (step) => profileOf(order.account, step.signal), {
      timeout: 2_000,
      attempts: 5,
    });

    // Each call of the model is a step. Whoever has the run reads the reasons as they come: run.stream('reasons').
    const judged = streamText({
      model: durableModel(ctx, model, { stream: 'reasons' }),
      system: 'Say what speaks for fraud. End with "Risk: " and a number from 0 to 100.',
      prompt: JSON.stringify({ order, profile }),
    });
    const reasons = await judged.text;
    const risk = riskIn(reasons);
    if (risk >= 80) return { status: 'refused', risk, by: 'model' };

    if (order.amount > LARGE || risk >= 40) {
      const show = { order, profile, reasons };
      const said = await ctx.approve<boolean>('charge', { to: 'risk', show, timeout: 3 * DAY });
      if (said?.answer !== true) return { status: 'refused', risk, by: said?.by ?? 'nobody in three days' };
    }

    await ctx.step('charge', (step) => accounts.charge(step, order), {
      undo: (step) => accounts.giveBack(step, order),
    });
    // If this fails for good, so does the run, and what was charged is given back.
    await ctx.step('ship', (step) => ship(order, step.idempotencyKey));
    return { status: 'accepted', risk };
  });
}

function riskIn(reasons: string): number {
  const [, risk] = /Risk: (\d{1,3})\b/.exec(reasons) ?? [];
  if (risk === undefined) throw new NonRetryableError(`The model names no risk: ${reasons}`);
  return Number(risk);
}
