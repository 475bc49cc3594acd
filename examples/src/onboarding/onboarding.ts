/**
 * The reference case of time: somebody opens an account and has two weeks to confirm it, with three reminders on the way.
 *
 * Guarantees: while it waits, for hours or days, it keeps no worker busy, and restarts and deploys do not disturb it. No letter
 * is sent twice; one whose worker died while it was sending may not have been sent at all. An account that is not confirmed, or
 * given up meanwhile (`run.cancel()`), is closed.
 */
import {
  defineWorkflow,
  NonRetryableError,
  UnknownOutcomeError,
  type Workflow,
  type WorkflowContext,
} from '@holdfast/workflow';

export interface Customer {
  readonly account: string;
  readonly address: string;
}

export interface Parts {
  /** May be repeated: an account that is open stays open, and one that is closed stays closed. */
  readonly open: (account: string) => Promise<void>;
  readonly close: (account: string) => Promise<void>;
  readonly mail: (address: string, letter: string) => Promise<void>;
  /** How long a day is, in ms. For those who try it. Default 86400000. */
  readonly day?: number;
}

/** After so many days without a confirmation, what is sent. */
const REMINDERS = [
  { after: 2, letter: 'reminder' },
  { after: 3, letter: 'second reminder' },
  { after: 5, letter: 'last reminder' },
  { after: 4, letter: 'farewell' },
];

export function onboarding({ open, close, mail, day = 86_400_000 }: Parts): Workflow<Customer, string> {
  /** An e-mail can be neither guarded nor taken back, so it is sent at most once. */
  const send = (ctx: WorkflowContext, { address }: Customer, letter: string): Promise<void> =>
    ctx
      .once(letter, () => mail(address, letter))
      .catch((error: unknown) => {
        if (!(error instanceof UnknownOutcomeError)) throw error; // if nobody knows, one letter too few is better
      });

  return defineWorkflow({ name: 'onboarding' }, async (ctx, customer: Customer) => {
    const { account } = customer;
    // If the run fails or is cancelled, this is undone.
    await ctx.step('open', () => open(account), { undo: () => close(account) });
    try {
      await send(ctx, customer, 'welcome');
      for (const { after, letter } of REMINDERS) {
        ctx.state.set({ account, next: letter, at: ctx.now() + after * day }); // for whoever looks: run.state()
        const confirmed = await ctx.receive<{ by: string }>('confirmed', { timeout: after * day });
        if (confirmed) return `confirmed by ${confirmed.by}`;
        await send(ctx, customer, letter);
      }
    } catch (error) {
      // What is in a shield is not cancelled with the run.
      if (ctx.signal.aborted) await ctx.shield((shielded) => send(shielded, customer, 'farewell'));
      throw error;
    }
    throw new NonRetryableError(`The account ${account} was not confirmed.`);
  });
}
