/** Counts pairs of acquire and release with many in flight, in the contestant's process. */
import type { Session } from '../contestants.js';

/** The counts of the contestant's process. */
export interface ThroughputSample {
  readonly pairs: number;
  readonly failures: number;
  /** Milliseconds. */
  readonly elapsed: number;
  /** CPU time of the contestant's process, in microseconds. */
  readonly cpu: number;
}

/** How many names a worker goes through; those of two workers never meet. */
const NAMES = 16;

/** Every worker takes and gives back locks, one after the other. */
export async function measureThroughput(
  session: Session,
  options: { readonly inFlight: number; readonly duration: number },
): Promise<ThroughputSample> {
  let pairs = 0;
  let failures = 0;
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const end = start + options.duration;
  const work = async (worker: number): Promise<void> => {
    for (let turn = 0; performance.now() < end; turn += 1) {
      try {
        const release = await session.acquire(`many:${worker}:${turn % NAMES}`);
        await release();
        pairs += 1;
      } catch {
        failures += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: options.inFlight }, (_, worker) => work(worker)));
  const elapsed = performance.now() - start;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { pairs, failures, elapsed, cpu: user + system };
}
