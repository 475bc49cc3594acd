/**
 * Forgetting generations that ended long ago, so that a catalog does not grow with every one that there was.
 *
 * Guarantees: the definition of one stays as long as a partition has anything of it: rows, lanes, or entries in its log. Whoever
 * opens a lane of one that is forgotten is told that it has ended.
 */
import type { Catalog } from '../store/catalog.js';
import type { Partition } from '../store/partition.js';

/** `ended` are "<view>.<generation>", as `catalog.mirror()` says them. Throws UnavailableError. */
export async function forgetEnded(
  catalog: Catalog,
  partitions: readonly Partition[],
  ended: readonly string[],
): Promise<void> {
  if (ended.length === 0) return;
  const all = await Promise.all(partitions.map((each) => each.call(each.verbs.gone, ended)));
  const gone = ended.filter((_, place) => all.every((of) => of[place]));
  if (gone.length > 0) await catalog.change('prune', gone);
}
