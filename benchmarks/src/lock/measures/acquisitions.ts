/**
 * Times acquires one after the other, in the contestant's process, and stops where one stalls.
 */
import type { Session } from '../contestants.js';

/** The times of acquires in ms, and what ended them early. */
export interface Acquisitions {
  readonly times: Float64Array;
  readonly stalled: string | undefined;
}

/** Times acquires only; the release that follows each is not timed. */
export async function measureAcquisitions(
  session: Session,
  options: { readonly samples: number; readonly atLeast: number; readonly patience: number },
): Promise<Acquisitions> {
  const { samples, atLeast, patience } = options;
  const times: number[] = [];
  const begin = performance.now();
  let doing = 'acquire';
  try {
    for (let elapsed = 0; times.length < samples || elapsed < atLeast; ) {
      doing = 'acquire';
      const start = performance.now();
      const release = await within(session.acquire(`frozen:${times.length % 256}`), patience);
      times.push(performance.now() - start);
      doing = 'release';
      await within(release(), patience);
      elapsed = performance.now() - begin;
      if (elapsed > patience) {
        const pairs = `${times.length} pair${times.length === 1 ? '' : 's'}`;
        return { times: Float64Array.from(times), stalled: `${pairs} in ${Math.round(elapsed)} ms` };
      }
    }
  } catch (error) {
    return { times: Float64Array.from(times), stalled: `${doing}: ${(error as Error).message}` };
  }
  return { times: Float64Array.from(times), stalled: undefined };
}

/** Rejects when `work` takes longer than `limit` milliseconds. */
async function within<T>(work: Promise<T>, limit: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer for ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
