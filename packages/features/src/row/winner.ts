/**
 * Which of two rows of one entity wins. The script that stores rows decides the same; this is what it is compared with.
 *
 * Guarantees: whatever the order in which rows arrive, the latest event time wins; at the same event time, the row of
 * the lane with the higher rank; of one source partition of one lane, the row that stands later in it.
 */
import type { Header } from './header.js';

/** `same`: the very row that is there, which a repeated call brings. `equal`: as recent, and not to be preferred. */
export type Verdict = 'accepted' | 'same' | 'older' | 'equal';

/** What becomes of `row` beside `old`, which is there. */
export function judge(row: Header, old: Header): Verdict {
  if (row.time !== old.time) return row.time > old.time ? 'accepted' : 'older';
  if (row.rank !== old.rank) return row.rank > old.rank ? 'accepted' : 'equal';
  if (row.source !== old.source) return 'accepted'; // the one that arrives later
  for (const part of ['turn', 'token', 'sequence', 'second'] as const) {
    if (row[part] !== old[part]) return row[part] > old[part] ? 'accepted' : 'equal';
  }
  return row.checksum === old.checksum ? 'same' : 'equal';
}
