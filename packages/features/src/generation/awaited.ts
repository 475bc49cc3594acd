/**
 * Whether a cut waits for a generation: its lanes then tell every partition at once how far they have taken in their sources,
 * which they otherwise do now and then.
 *
 * Guarantees: never rejects. All who ask meanwhile share one question to the catalog; where it does not answer, nobody is taken to
 * wait, and partitions are told when it is time.
 */
import type { Catalog } from '../store/catalog.js';
import { printGeneration } from './info.js';

interface AwaitedParts {
  readonly catalog: Catalog;
  readonly view: string;
  /** "<view>.<generation>". */
  readonly generation: string;
}

export function awaitedOf({ catalog, view, generation }: AwaitedParts): () => Promise<boolean> {
  let asking: Promise<boolean> | undefined;
  const ask = async (): Promise<boolean> => {
    const id = await catalog.cuttingTo(view).catch(() => undefined);
    asking = undefined;
    return id !== undefined && printGeneration(view, id) === generation;
  };
  return () => {
    asking ??= ask();
    return asking;
  };
}
