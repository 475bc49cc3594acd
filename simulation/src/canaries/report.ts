/**
 * The report on the canaries: in how many runs each was caught, and by which rule first.
 */
import type { Wishes } from '../plan/draw.js';
import { runMany } from '../run/pool.js';
import type { Canary } from './canary.js';
import { scenarioOfCanary } from './catalogue.js';

export interface ReportOptions {
  readonly threads: number;
  /** Runs after which a canary counts as not caught. */
  readonly most: number;
  /** No more runs are begun once a canary was caught in so many. */
  readonly enough: number;
  readonly wishes: Wishes;
}

/** Prints one line for each canary. True if all were caught. */
export async function reportCanaries(canaries: readonly Canary[], options: ReportOptions): Promise<boolean> {
  const { threads, most, enough, wishes } = options;
  let missed = 0;
  console.log('| mistake | first caught by | first in run | caught in |');
  console.log('| --- | --- | --- | --- |');
  for (const { name, focus } of canaries) {
    const { runs, failures } = await runMany({
      threads,
      scenario: scenarioOfCanary(name),
      canary: name,
      wishes: { ...wishes, focus: wishes.focus ?? focus },
      firstSeed: 1,
      goesOn: (begun, tally) => begun < most && tally.failures.length < enough,
    });
    const [first] = failures.toSorted((a, b) => a.seed - b.seed);
    if (first === undefined) missed += 1;
    const caught = first ? `${first.rule} | ${first.seed}` : 'NOT CAUGHT | -';
    console.log(`| ${name} | ${caught} | ${failures.length} of ${runs} runs |`);
  }
  console.log(
    missed === 0
      ? `\nall ${canaries.length} were caught`
      : `\n${missed} of ${canaries.length} were NOT caught`,
  );
  return missed === 0;
}
