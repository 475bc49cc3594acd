/**
 * Ends of runs by an operator, over whatever generation a run has now.
 */
import { type Clock, pause } from '@holdfast/kernel';
import { encodeRecord } from '../journal/record.js';
import type { RunRef } from '../store/claim.js';
import type { Purged, Terminated } from '../store/run-store.js';
import type { Store } from '../store/store.js';

/** The token is known to the store only. */
const TOKEN = -1;

type TerminateStore = Pick<Store, 'terminate'>;

/** What has become of it, and of which generation it is. */
export async function terminate(
  store: TerminateStore,
  { run, generation: known }: RunRef,
  { reason, retain, clock }: { readonly reason: string; readonly retain: number; readonly clock: Clock },
): Promise<{ readonly word: Exclude<Terminated['word'], 'gen' | 'early'>; readonly generation: string }> {
  const outcome = { status: 'cancelled', reason } as const;
  const text = encodeRecord({ kind: 'end', outcome, token: TOKEN });
  // It stands last in the record.
  const at = text.lastIndexOf(String(TOKEN));
  const last = [text.slice(0, at), text.slice(at + String(TOKEN).length)] as const;
  const cancel = encodeRecord({ kind: 'cancel', reason: 'its parent was terminated' });
  for (let generation = known; ; ) {
    const ended = await store.terminate({ run, generation, last, retain, cancel });
    if (ended.word === 'gen') generation = ended.generation;
    else if (ended.word === 'early') await pause(clock, ended.wait);
    else return { word: ended.word, generation };
  }
}

export async function purge(
  store: Pick<Store, 'purge'>,
  { run, generation: known }: RunRef,
): Promise<Exclude<Purged['word'], 'gen'>> {
  for (let generation = known; ; ) {
    const purged = await store.purge({ run, generation });
    if (purged.word !== 'gen') return purged.word;
    generation = purged.generation;
  }
}
