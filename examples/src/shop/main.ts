/**
 * Kelp & Co., a shop that holds while things fail: `main.ts --for 30s`, and `--help` for the rest.
 *
 * Guarantees: ends with a verdict that is computed from what its processes were told and what Redis says. Exit code 0: nothing
 * was lost or charged twice; 1: the verdict is bad; 2: it could not run; 64: wrong arguments; 128 plus a signal's number when
 * interrupted. Nothing that it has started is left running.
 */
import { demonstrate } from '../ledger/demonstrate.js';
import { createView } from '../ledger/view.js';
import { percentile } from './stage/customers.js';
import { HELP, readOptions } from './stage/options.js';
import { type Outcome, run } from './stage/run.js';
import { judge, verdictLines } from './stage/verdict.js';

process.exitCode = await demonstrate(HELP, readOptions, async (options, interrupted) => {
  const { seed, fenced, rate, plain } = options;
  const guarded = fenced ? 'behind a guard' : 'UNFENCED: no guard checks the writes';
  console.log(`Kelp & Co., ${rate} orders a second, charged ${guarded}; --seed ${seed}`);
  const { facts, took, tally, unfenced } = await run(options, createView(process.stdout, plain), interrupted);
  const verdict = judge(facts);
  console.log(['', struck(tally), speed(took), ...verdictLines(facts, verdict, unfenced)].join('\n'));
  return verdict.good;
});

function speed(took: readonly number[]): string {
  const [p50, p99] = [0.5, 0.99].map((share) => percentile(took, share).toFixed(0));
  return `an order took ${p50} ms (p50), ${p99} ms (p99), from the click to the answer`;
}

function struck({ frozen, killed, emptied }: Outcome['tally']): string {
  return `faults: workers froze ${frozen}, killed ${killed}; nodes emptied ${emptied}`;
}
