/**
 * The ledger: worker processes contend for a lease on one account and change a ledger behind a guard, while
 * workers and lock nodes are stopped, killed and restarted empty.
 *
 * Guarantees: ends with a verdict that is computed from what the workers and the ledger say. Exit code 0: nothing was
 * lost; 1: the verdict is bad; 2: it could not run; 64: wrong arguments; 128 plus a signal's number when interrupted.
 * Nothing that it has started is left running.
 */
import { demonstrate } from './demonstrate.js';
import { HELP, readOptions } from './options.js';
import { describe } from './picture.js';
import { run } from './run.js';
import { NODES } from './setting.js';
import { judge, verdictLines } from './verdict.js';
import { createView } from './view.js';

process.exitCode = await demonstrate(HELP, readOptions, async (options, interrupted) => {
  const guarded = options.fenced ? 'behind a guard' : 'UNFENCED: no guard checks the writes';
  console.log(
    `${options.workers} workers, one account, ${NODES} lock nodes, for ${options.duration / 1000} s, ${guarded}; --seed ${options.seed}`,
  );
  const { facts, tally } = await run(options, createView(process.stdout), interrupted);
  const verdict = judge(facts);
  console.log(['', describe(tally), ...verdictLines(facts, verdict)].join('\n'));
  return verdict.good;
});
