/**
 * How a search asks for pages of documents that do not all say the same, by the vectors of the best hits.
 *
 * Guarantees: pages follow each other: the one with an `offset` goes on where the one before ended, as long as nothing changes.
 */
import {
  display,
  fitting,
  group,
  MisuseError,
  optional,
  type Reader,
  type Readers,
  text,
  withDefault,
} from '@holdfast/kernel';
import type { Aspect } from '../aspect.js';

export interface VarietyOptions {
  /** 1 for the order of before, 0 for the greatest variety. Default 0.7. */
  readonly lambda?: number;
  /** In an index with named vectors: those that are compared. Default the first ones. */
  readonly by?: string;
}

export const readVariety: Reader<VarietyOptions | undefined> = optional(
  group({
    lambda: withDefault(
      fitting<number>(
        'a number from 0 to 1',
        (value) => typeof value === 'number' && value >= 0 && value <= 1,
      ),
      0.7,
    ),
    by: optional(text('the name of vectors')),
  } satisfies Readers<VarietyOptions>) as Reader<VarietyOptions>,
);

/** Most hits that are chosen: each is compared with all candidates, on the event loop. */
export const MOST_CHOSEN = 50;

/** The best hits, among which is chosen: as many for every page, so that pages follow each other. */
export const CANDIDATES = 2 * MOST_CHOSEN;

interface Page {
  readonly diversify: VarietyOptions | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** Throws MisuseError. */
export function checkVariety({ diversify: options, limit, offset }: Page, aspects: readonly Aspect[]): void {
  if (options === undefined) return;
  if (limit + offset > MOST_CHOSEN) {
    throw new MisuseError(
      `"limit" and "offset" of a search with "diversify" are ${MOST_CHOSEN} together at most; got ${limit} and ${offset}.`,
    );
  }
  const { by } = options;
  if (by === undefined || aspects.some(({ name }) => name === by)) return;
  const names = aspects.map(({ name }) => name).join(', ');
  const known = names ? `it has vectors of ${names}` : 'its vectors have no names: leave it out';
  throw new MisuseError(`"by" of "diversify" is ${display(by)}, which the index has not; ${known}.`);
}
