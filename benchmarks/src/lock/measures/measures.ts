/** The measurements of a contestant's process, by name, and how to ask for them. */
import type { Session } from '../contestants.js';
import { measureAcquisitions } from './acquisitions.js';
import { measureCrowd } from './crowd.js';
import { measurePairs } from './pairs.js';
import { measureThroughput } from './throughput.js';

/** The measurements that a contestant's process offers. Each runs on the session and answers with plain values. */
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
