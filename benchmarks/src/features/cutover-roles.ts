/**
 * A process that reads a view all the time, while its generations change, and judges every answer.
 *
 * Guarantees: every row says of which generation it is, in each of its features. An answer that has none, that has features or
 * rows of two generations, or of the earlier one although its end was told before the read began, is counted.
 */
import { createFeatures, entity, t, view } from '@holdfast/features';
import { usage } from './stand.js';

const NAMES = Array.from({ length: 10 }, (_, n) => `f${n}`);
export const profile = view('profile', {
  entity: entity('user'),
  fields: Object.fromEntries(NAMES.map((name) => [name, t.float64()])),
});

export const openStore = (redis: string) => createFeatures({ redis, name: 'bench', views: [profile] });

/** Rows of the users from `from` on. By `mark`, 0 or 0.5, two generations are told apart. */
export const rowsOf = (mark: number, from: number, count: number) =>
  Array.from({ length: count }, (_, n) => ({
    id: `u${from + n}`,
    time: Date.now() - 60_000,
    values: Object.fromEntries(NAMES.map((name) => [name, from + n + mark])),
  }));

export type Reading =
  /** Begins to read, or goes on under another name. `ended` is the mark of a generation that has ended. */
  | { readonly phase: string; readonly users: number; readonly ended: number | undefined }
  /** Ends, and answers what was seen in each phase. */
  | 'end';

export interface Seen {
  readonly phase: string;
  readonly times: number[];
  missing: number;
  mixed: number;
  ended: number;
  failed: number;
}

const PER_READ = 10;
const MOST = 4;

/** Argument: the URL of Redis. */
export async function reading(url = '') {
  const store = openStore(url);
  const all: Seen[] = [];
  let state: { readonly seen: Seen; readonly users: number; readonly ended: number | undefined } | undefined;
  const readers: Promise<void>[] = [];
  let turn = 0;

  const readOnce = async ({ seen, users, ended }: NonNullable<typeof state>): Promise<void> => {
    turn += 1;
    const ids = Array.from({ length: PER_READ }, (_, n) => (Math.imul(turn + n, 0x9e3779b1) >>> 0) % users);
    const began = performance.now();
    const rows = await store.rows(
      profile,
      ids.map((n) => `u${n}`),
    );
    seen.times.push(performance.now() - began);
    const found = rows.flatMap(({ values }, at) =>
      NAMES.map((name) => (values[name] === null ? 'missing' : Number(values[name]) - (ids[at] ?? 0))),
    );
    if (found.includes('missing')) seen.missing += 1;
    if (new Set(found).size > 1) seen.mixed += 1;
    if (ended !== undefined && found.includes(ended)) seen.ended += 1;
  };
  const readAll = async (): Promise<void> => {
    for (let present = state; present !== undefined; present = state) {
      const { seen } = present;
      await readOnce(present).catch(() => {
        seen.failed += 1;
      });
    }
  };
  return async (request: Reading): Promise<unknown> => {
    if (request === 'end') {
      state = undefined;
      await Promise.all(readers.splice(0));
      return { seen: all.splice(0), ...usage() };
    }
    const seen: Seen = { phase: request.phase, times: [], missing: 0, mixed: 0, ended: 0, failed: 0 };
    all.push(seen);
    state = { seen, users: request.users, ended: request.ended };
    if (readers.length === 0) readers.push(...Array.from({ length: MOST }, readAll));
    return undefined;
  };
}
