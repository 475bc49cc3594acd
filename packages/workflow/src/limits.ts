/**
 * The limits of a workflow, as its definition declares them. They are kept with the app, where they are obeyed: a definition
 * that declares none leaves them, one that declares a higher version replaces them.
 *
 * Guarantees: two definitions that declare different limits under one version are not both obeyed: the second is told.
 */
import { COMMON_LIMITS, group, type Rate, type Readers, type Settings, shareOf } from '@holdfast/kernel';
import type { DeclaredLimits } from './store/store.js';

export interface Limits {
  /**
   * Of these limits, from 1; default 1. A higher version replaces the limits that are kept, a lower one leaves them; the same
   * version with other values is a MisuseError. What a version does not name is not limited.
   */
  readonly version?: number;
  /** The most runs that may wait to begin, delayed ones too; a start above it throws RunsFullError. Default: no limit. */
  readonly waiting?: number;
  /** The most runs that workers may have at a time, all together. Default: no limit. */
  readonly concurrency?: number;
  /** The most runs that may begin within a time; those that go on are not held up. Default: no limit. */
  readonly rate?: Rate;
}

export const readLimits = group(COMMON_LIMITS satisfies Readers<Limits>);

export type LimitSettings = Settings<typeof COMMON_LIMITS>;

/** What one of the partitions of an app is told. Throws MisuseError for limits that leave a partition without any. */
export function declarationOf(
  workflow: string,
  limits: LimitSettings,
  partition: { readonly index: number; readonly partitions: number },
): DeclaredLimits {
  const { version, waiting, concurrency, rate } = limits;
  // Read by people, and compared: the same limits are the same text.
  const text = JSON.stringify({ version, waiting, concurrency, rate });
  const share = shareOf(limits, partition, 'workflow', 'Give the app fewer partitions');
  return {
    workflow,
    text,
    version,
    waiting: share.waiting,
    concurrency: share.concurrency,
    rate: share.rate,
  };
}
