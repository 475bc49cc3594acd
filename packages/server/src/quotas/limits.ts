/**
 * Quotas of a key: how much its subject may have stored and held, as the file of keys says.
 */
import { z } from 'zod';

const most = z.int().min(0).optional();

export const quotasSchema = z.strictObject({
  /** Tasks that it has added and that have not ended: those that wait, are delayed, are handled, or are dead letters. */
  tasks: most,
  /** Bytes of their data, as JSON. */
  taskBytes: most,
  /** Runs that it has started and that are not over. */
  runs: most,
  /** Bytes of their inputs, as JSON. */
  runBytes: most,
  /** Schedules of queues and workflows that it has set. */
  schedules: most,
  /** Leases that it holds; several at once are as many, and so are permits. */
  leases: most,
});

/** In the order in which they are shown. */
export const QUOTAS = ['tasks', 'taskBytes', 'runs', 'runBytes', 'schedules', 'leases'] as const;

export type QuotaName = (typeof QUOTAS)[number];
export type Limits = Readonly<Partial<Record<QuotaName, number | undefined>>>;

/** What is counted together. */
export type StoredKind = 'tasks' | 'runs' | 'schedules';

/** The quota of the bytes of a kind. */
export const BYTES_OF = { tasks: 'taskBytes', runs: 'runBytes', schedules: undefined } as const;
