/**
 * The reference case of a run that answers its caller: whose page is it, what might they like, in which order; and what was
 * shown is counted, because the next page depends on it.
 *
 * Guarantees: a request has one answer, however often it is repeated and whichever process takes it, and what it shows is
 * counted once. If recommendations fail, the answer is what everybody likes.
 */
import { defineWorkflow, type Step, StepFailedError, type Workflow } from '@holdfast/workflow';

export interface Visit {
  readonly user: string;
  /** Names the request: a repetition has the same. */
  readonly request: string;
}

interface Profile {
  readonly user: string;
  readonly likes: readonly string[];
  /** How often each item was shown. */
  readonly seen: Readonly<Record<string, number>>;
}

export interface Parts {
  readonly profileOf: (user: string, signal: AbortSignal) => Promise<Profile>;
  readonly recommend: (profile: Profile, signal: AbortSignal) => Promise<string[]>;
  readonly popular: readonly string[];
  /** Counts what is shown, behind a guard: once for a request. */
  readonly count: (step: Step, visit: Visit, items: readonly string[]) => Promise<void>;
}

const SHOWN = 3;

export const personalise = ({ profileOf, recommend, popular, count }: Parts): Workflow<Visit, string[]> =>
  defineWorkflow({ name: 'personalise' }, async (ctx, visit: Visit) => {
    const profile = await ctx.step('profile', (step) => profileOf(visit.user, step.signal));
    const found = await ctx
      .step('recommend', (step) => recommend(profile, step.signal), { attempts: 1, timeout: 500 })
      .catch((error: unknown) => {
        if (error instanceof StepFailedError) return popular; // anything else, such as a cancel, is not ours to handle
        throw error;
      });
    const items = await ctx.step('rank', () => rank(found, profile).slice(0, SHOWN));
    await ctx.step('serve', (step) => count(step, visit, items));
    return items;
  });

/** Those first that were shown least. */
function rank(items: readonly string[], { seen }: Profile): string[] {
  return [...new Set(items)].sort((one, other) => (seen[one] ?? 0) - (seen[other] ?? 0));
}
