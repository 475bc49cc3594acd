/**
 * Waiting for the vectors of a document, which a worker makes.
 *
 * Guarantees: when it resolves, this process knows the document of the place, or a later one of its id, with its vectors of the live
 * generation, if there is anything to make them of.
 */
import type { Follower } from './follower.js';
import { readPlace } from './place.js';

/** A place at which a document that was written has its vectors. `requireOpen` throws once nobody looks any more. */
export async function vectorsMade(
  follower: Follower,
  { id, place }: { readonly id: string; readonly place: string },
  requireOpen: () => void,
): Promise<string> {
  const { epoch, sequence } = readPlace(place);
  for (;;) {
    requireOpen();
    const looked = follower.looked();
    // In another epoch the server may have forgotten it: then there is nothing to wait for.
    const isKnown = follower.epoch !== epoch || follower.reached >= sequence;
    if (isKnown && !follower.isWaiting(id)) return follower.place;
    await looked;
  }
}
