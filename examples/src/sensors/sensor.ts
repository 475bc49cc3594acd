/**
 * The reference case of messages: readings of a sensor are filtered, summed over each minute, and pushed on.
 *
 * A sensor has one run, which goes on for ever: its key is the sensor, and the first reading starts it. Each pass of the loop
 * takes one reading, and knows of those before by its state only; after 1,000 passes they leave the journal.
 *
 * Guarantees: a reading counts once, however often it is published, as long as it is one of the last 1,000 of its sensor. What
 * is pushed on for a minute is its sum so far: a later push of the same minute takes the place of an earlier one.
 */
import { defineWorkflow, type Step, type WorkflowContext } from '@holdfast/workflow';
import { z } from 'zod';

export const Reading = z.object({
  sensor: z.string(),
  /** When it was measured, in ms since the epoch. */
  at: z.number(),
  value: z.number(),
});
export type Reading = z.infer<typeof Reading>;

/** Of one minute of a sensor. */
export interface Minute {
  /** When it began, in ms since the epoch; 0 before the first reading. */
  readonly at: number;
  readonly sum: number;
  readonly count: number;
  readonly isPushed: boolean;
}

export interface Parts {
  /** Gives what is known of a minute to whoever comes next. It may be repeated. */
  readonly push: (step: Step, sensor: string, minute: Minute) => Promise<void>;
  /** After how many ms without a reading a minute is pushed on that is not full. */
  readonly silence: number;
}

const MINUTE = 60_000;
const EMPTY: Minute = { at: 0, sum: 0, count: 0, isPushed: true };

/** What is measured between -60 and 60; other values are faults of the sensor. */
const isPlausible = ({ value }: Reading): boolean => Math.abs(value) <= 60;

export function sensor({ push, silence }: Parts) {
  const pushOn = (ctx: WorkflowContext, id: string, minute: Minute): Promise<void> =>
    ctx.step('push', (step) => push(step, id, minute), { attempts: 1_000 });

  return defineWorkflow(
    { name: 'sensor', input: z.string(), messages: { reading: Reading } },
    (ctx, id): Promise<never> =>
      ctx.loop(EMPTY, async (pass, minute) => {
        const reading = await pass.receive<Reading>('reading', minute.isPushed ? {} : { timeout: silence });
        if (reading === undefined) {
          await pushOn(pass, id, minute);
          return { next: { ...minute, isPushed: true } };
        }
        const at = reading.at - (reading.at % MINUTE);
        if (!isPlausible(reading) || at < minute.at) return { next: minute }; // too late for its minute
        if (at > minute.at && !minute.isPushed) await pushOn(pass, id, minute);
        const { sum, count } = at > minute.at ? EMPTY : minute;
        return { next: { at, sum: sum + reading.value, count: count + 1, isPushed: false } };
      }),
  );
}
