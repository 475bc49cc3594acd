/**
 * What a lane does where its generation takes no rows: whoever closed it for a cut may have died. The catalog knows whether
 * the cut goes on.
 *
 * Guarantees: a cut is undone only after its time, and a generation is opened only where it was closed for no later change.
 */
import { type Clock, UnavailableError } from '@holdfast/kernel';
import type { Catalog } from '../store/catalog.js';
import type { Partition } from '../store/partition.js';

/** How often the catalog is asked for each partition, in ms. */
const ASK_EVERY = 1_000;

interface ReliefParts {
  readonly catalog: Catalog;
  readonly view: string;
  /** "<view>.<generation>". */
  readonly generation: string;
  readonly clock: Clock;
}

/** Opens the generation in a partition again if no cut is under way. */
export type Relieve = (partition: Partition) => Promise<void>;

export function reliefOf({ catalog, view, generation, clock }: ReliefParts): Relieve {
  const askedAt = new Map<number, number>();
  return async (partition) => {
    const last = askedAt.get(partition.number);
    if (last !== undefined && clock.now() - last < ASK_EVERY) return;
    askedAt.set(partition.number, clock.now());
    try {
      const [word, n] = await catalog.change('overdue', [view]);
      if (word === 'open') await partition.call(partition.verbs.reopen, { generation, n: Number(n) });
    } catch (error) {
      // It is asked again as long as the generation is closed.
      if (!(error instanceof UnavailableError)) throw error;
    }
  };
}
