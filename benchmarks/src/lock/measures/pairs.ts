/** Times acquire and release together, one pair after the other, in the contestant's process. */
import type { Session } from '../contestants.js';

/** The times that the contestant's process has measured. */
export interface PairTimes {
  /** The time of each pair, in milliseconds. */
  readonly times: Float64Array;
  /** CPU time of the process, in microseconds. */
  readonly cpu: number;
}

export async function measurePairs(
  session: Session,
  options: { readonly pairs: number },
): Promise<PairTimes> {
  const times = new Float64Array(options.pairs);
  const cpuBefore = process.cpuUsage();
  for (let pair = 0; pair < options.pairs; pair += 1) {
    const resource = `latency:${pair % 256}`;
    const start = performance.now();
    const release = await session.acquire(resource);
    await release();
    times[pair] = performance.now() - start;
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return { times, cpu: user + system };
}
