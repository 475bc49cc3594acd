/**
 * A journal as a whole, for those who do not own its run.
 */
import type { RunRef } from '../store/claim.js';
import type { Store } from '../store/store.js';
import { decodeRecord, type JournalRecord } from './record.js';

/** Empty if there is none. Rejects with what a call rejects with, and with CodecError. */
export async function readJournal(
  store: Pick<Store, 'page'>,
  run: RunRef,
): Promise<readonly JournalRecord[]> {
  const records: JournalRecord[] = [];
  for (;;) {
    const page = await store.page(run, records.length);
    if (page.length === 0) return records;
    records.push(...page.map(decodeRecord));
  }
}
