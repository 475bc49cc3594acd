/**
 * What became of a commit without an answer, or of one that another seems to have overtaken.
 *
 * Guarantees: it is sent again only where the journal says that it was not carried out. Rejects with what is no outage.
 */
import { type Clock, CodecError, HoldfastError, pause } from '@holdfast/kernel';
import type { Claim } from '../store/claim.js';
import type { CommitRequest, Committed, ReadResult, Store } from '../store/store.js';
import { UNREADABLE } from './unreadable.js';

interface Unanswered {
  readonly store: Pick<Store, 'read' | 'commit' | 'closed'>;
  readonly clock: Clock;
  readonly claim: Claim;
  readonly request: CommitRequest;
  /** Why there is no answer; undefined if another commit seems to have come before. */
  readonly error: unknown;
  /** How many records of the journal its owner knows. */
  readonly known: number;
  readonly isOver: () => boolean;
  /** What the commit carries was not encoded. */
  readonly onUnencoded: (error: CodecError) => void;
}

export async function outcomeOf(commit: Unanswered): Promise<Committed> {
  const { store, clock, claim, request, known, isOver, onUnencoded } = commit;
  let { error } = commit;
  for (let tries = 0; ; tries += 1) {
    if (error !== undefined) {
      if (!isPassing(error) || isOver()) throw error;
      const longest = error instanceof CodecError ? UNREADABLE : 1_000;
      if (error instanceof CodecError) onUnencoded(error);
      await pause(clock, Math.min(longest, 20 * 2 ** Math.min(tries, 8)), store.closed);
    }
    const journal = await store.read(claim, known).catch(() => undefined);
    const outcome = journal && outcomeIn(journal, request);
    if (outcome) return outcome;
    error = undefined;
    try {
      const committed = await store.commit(request);
      if (committed.word !== 'behind') return committed;
    } catch (again) {
      error = again;
    }
  }
}

/** Redis may answer again, and so may what the codec asks for a key. */
const isPassing = (error: unknown): boolean =>
  error instanceof CodecError || (error instanceof HoldfastError && error.code === 'HOLDFAST_UNAVAILABLE');

/** What the journal says of a commit; undefined if it was not carried out. */
function outcomeIn(known: ReadResult, request: CommitRequest): Committed | undefined {
  if (known.word === 'stale') return { word: 'stale', length: 0 };
  if (known.word === 'over') {
    const isMine = known.last === request.records.at(-1) && request.ending.word === 'end';
    return { word: isMine ? 'committed' : 'stale', length: 0 };
  }
  // What lies behind it is read with it.
  return known.commits === request.commits + 1 ? { word: 'again', length: known.length } : undefined;
}
