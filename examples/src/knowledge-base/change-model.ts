/**
 * Another model takes the place of the first, while the help desk goes on answering: its vectors are made beside those that are
 * searched, and go live at once, on every server.
 *
 * Guarantees: those of a builder of generations: it goes live with no vector missing, or not at all; of two that do this at the same
 * time, the one that lost its lease changes nothing.
 */
import type { Locks } from '@holdfast/lock';
import type { VectorIndex } from '@holdfast/vectors';
import { folded } from './models.js';

export async function changeModel(
  { kb, locks }: { readonly kb: VectorIndex; readonly locks: Locks },
  vectorOf: (id: string) => Float32Array | undefined,
): Promise<void> {
  await locks.using('articles:model', {}, async (lease) => {
    // Of articles that were made, not written: a model would read their texts, and embed() be left out here.
    const embed = async (articles: readonly { readonly id: string }[]) =>
      articles.map(({ id }) => {
        const vector = vectorOf(id);
        return vector && folded(vector);
      });
    const builder = await kb.begin({ embed }, lease);
    do await builder.fill();
    while ((await builder.cut()).outcome === 'behind'); // articles were written meanwhile
  });
}
