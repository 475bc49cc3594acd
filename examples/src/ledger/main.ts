/**
 * The demonstration: worker processes contend for a lease on one account and change a ledger behind a guard, while
 * workers and lock nodes are stopped, killed and restarted empty.
 *
 * Guarantees: ends with a verdict that is computed from what the workers and the ledger say. Exit code 0: nothing was
 * lost; 1: the verdict is bad; 2: it could not run; 64: wrong arguments; 128 plus a signal's number when interrupted.
 * Nothing that it has started is left running.
 */
import { HELP, type Options, readOptions, UsageError } from './options.js';
import { run } from './run.js';
import { NODES } from './setting.js';
import { type Interruption, listenForInterruption } from './signals.js';
import { judge, verdictLines } from './verdict.js';
import { createView, describe } from './view.js';

process.exitCode = await main(process.argv.slice(2), listenForInterruption());

async function main(args: readonly string[], interruption: Interruption): Promise<number> {
  try {
    const options = readOptions(args);
    if (options === 'help') {
      console.log(HELP);
      return 0;
    }
    return await demonstrate(options, interruption);
  } catch (error) {
    if (interruption.exitCode !== undefined) {
      console.error('Interrupted. Everything is stopped.');
      return interruption.exitCode;
    }
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof UsageError) {
      console.error(`${reason}\nSee --help.`);
      return 64;
    }
    console.error(`The demonstration could not run: ${reason}`);
    return 2;
  }
}

async function demonstrate(options: Options, interruption: Interruption): Promise<number> {
  const guarded = options.fenced ? 'behind a guard' : 'UNFENCED: no guard checks the writes';
  console.log(
    `${options.workers} workers, one account, ${NODES} lock nodes, for ${options.duration / 1000} s, ${guarded}; --seed ${options.seed}`,
  );
  const { facts, tally } = await run(options, createView(process.stdout), interruption.signal);
  const verdict = judge(facts);
  console.log(['', describe(tally), ...verdictLines(facts, verdict)].join('\n'));
  return verdict.good ? 0 : 1;
}
