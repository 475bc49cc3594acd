/** What is wrong with an index in this process, in words. */

export interface IndexHealth {
  /** What somebody has to do something about; none in an index that is well. */
  readonly problems: readonly string[];
}

/** More documents than these are not just written. */
const BEHIND = 10_000;

/** Of the numbers that an index has of itself. */
interface Numbers {
  /** Undefined before everything was read once. */
  readonly vectors: unknown;
  readonly behind: number;
  readonly unapplied: number;
  readonly unreadable: number;
  readonly failure: string | undefined;
  readonly snapshotFailure: string | undefined;
}

export function healthOf(numbers: Numbers): IndexHealth {
  const { vectors, behind, unapplied, unreadable, failure, snapshotFailure } = numbers;
  const problems = [
    ...(failure === undefined ? [] : [`what was written cannot be read: ${failure}`]),
    ...(vectors === undefined ? ['not everything was read yet; until then nothing is found'] : []),
    ...(behind > BEHIND ? [`${behind} documents were written that are not applied here yet`] : []),
    ...(unapplied > 0
      ? [
          `the memory is full: ${unapplied} documents are not found here, or only in part; raise "memory", or delete documents`,
        ]
      : []),
    ...(unreadable > 0
      ? [`${unreadable} documents were written in a way that cannot be read, and are left out`]
      : []),
    ...(snapshotFailure === undefined ? [] : [snapshotFailure]),
  ];
  return { problems };
}
