/**
 * Places of a worker for runs that it is to own from their start, so that no other has to claim them.
 *
 * Guarantees: a place counts as a run until its start is answered. If it is not known whether the start was carried out,
 * nobody knows what the session has, and it ends.
 */
import type { Claimed, Started, StartRequest, StartTerms, Store } from '../store/store.js';

export interface Place {
  /** To be called once. Rejects with what the call rejects with. */
  readonly start: (request: StartRequest) => Promise<Started>;
}

interface PlaceParts {
  readonly store: Store;
  readonly owner: NonNullable<StartTerms['owner']>;
  /** Whether the worker has it now. */
  readonly take: (claim: Claimed) => boolean;
  readonly onUnknown: () => void;
  readonly leave: (isTaken: boolean) => void;
}

export function placeOf({ store, owner, take, onUnknown, leave }: PlaceParts): Place {
  return {
    async start(request) {
      let isTaken = false;
      try {
        const started = await store.start({ ...request, under: { ...request.under, owner } });
        const { word, generation, token } = started;
        if (word === 'owned' && token !== undefined) {
          isTaken = take({
            ...{ run: request.run, generation, token, session: owner.session, mark: '', falls: 0 },
            records: [request.header],
          });
        }
        return started;
      } catch (error) {
        onUnknown();
        throw error;
      } finally {
        leave(isTaken);
      }
    },
  };
}
