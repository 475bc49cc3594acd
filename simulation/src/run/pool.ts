/**
 * Runs on all cores: seeds are handed out in ranges, so that which are run does not depend on who is fast.
 *
 * Guarantees: every seed that was handed out is carried out, and a thread that dies fails the whole.
 */
import { Worker } from 'node:worker_threads';
import { add, emptyTally, type Tally } from './tally.js';
import type { Range, WorkerSettings } from './worker.js';

/** Seeds that a thread is sent at a time; of code with a mistake in it, one: the first that fails is looked for. */
const RANGE = 25;
const RANGE_OF_CANARY = 1;

export interface PoolOptions extends WorkerSettings {
  readonly threads: number;
  readonly firstSeed: number;
  /** Whether, after what was counted so far, another range is to be begun. */
  readonly goesOn: (begun: number, tally: Tally) => boolean;
  readonly onProgress?: (tally: Tally) => void;
}

export async function runMany(options: PoolOptions): Promise<Tally> {
  const { threads, firstSeed, goesOn, onProgress, scenario, canary, wishes } = options;
  const tally = emptyTally();
  let begun = 0;
  const next = (): Range | undefined => {
    if (!goesOn(begun, tally)) return undefined;
    const count = canary === undefined ? RANGE : RANGE_OF_CANARY;
    const range = { first: firstSeed + begun, count };
    begun += count;
    return range;
  };
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./worker.js', import.meta.url), {
        workerData: { scenario, canary, wishes } satisfies WorkerSettings,
      });
      worker.once('error', reject);
      worker.once('exit', () => resolve());
      worker.on('message', (part: Tally) => {
        add(tally, part);
        onProgress?.(tally);
        const range = next();
        if (range) worker.postMessage(range);
        else void worker.terminate();
      });
    });
  await Promise.all(Array.from({ length: threads }, work));
  return tally;
}
