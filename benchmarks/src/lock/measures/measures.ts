/** What a contestant's process measures, by name, and how it is asked for it. */
import type { Session } from '../contestants.js';
import { measureAcquisitions } from './acquisitions.js';
import { measureCrowd } from './crowd.js';
import { measurePairs } from './pairs.js';
import { measureThroughput } from './throughput.js';

/** What can be asked of a contestant's process. Each runs on the session and answers with plain values. */
export const measures = {
  pairs: measurePairs,
  throughput: measureThroughput,
  acquisitions: measureAcquisitions,
  crowd: measureCrowd,
  /** The most memory that the process ever had, in bytes. */
  peak: async (_session: Session, _options: undefined): Promise<number> =>
    process.resourceUsage().maxRSS * 1024,
};

export type Measures = typeof measures;

export interface Request {
  readonly measure: keyof Measures;
  readonly options: unknown;
}
