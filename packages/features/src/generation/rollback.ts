/**
 * Rolling back: what was read before the last cut is read again.
 *
 * Guarantees: those of a cut. Views that were cut in one step go back in one step. Unless what is lacking is accepted, nothing
 * that was acknowledged is lost to whoever reads.
 */
import {
  MisuseError,
  oneOf,
  type Readers,
  readOptions,
  type TokenClaim,
  withDefault,
} from '@holdfast/kernel';
import { type BuilderParts, Cut, type LaneFates, readPatience } from './cut.js';
import { readLanesByView } from './generation.js';

export interface RollbackOptions {
  readonly holder: TokenClaim;
  /**
   * What is done if the previous generations lack something: `refuse` waits for it as a cut does, up to `patience`; `accept`
   * goes back at once, and says what is lacking. Default "refuse".
   */
  readonly behind?: 'refuse' | 'accept';
  /** By the name of each view: what becomes of each lane of its generation that is read. Not for `accept`. Default: it has none. */
  readonly lanes?: Readonly<Record<string, LaneFates>>;
  /** How long the generations that are read may be closed while the previous ones catch up, in ms. Default 15000. */
  readonly patience?: number;
}

export interface RolledBack {
  /** By the name of each view, the generation that is read now. */
  readonly generations: Readonly<Record<string, string>>;
  /** What they lack, in words; nothing unless that was accepted. */
  readonly missing: readonly string[];
}

const ROLLBACK = {
  behind: withDefault(oneOf<'refuse' | 'accept'>('refuse', 'accept'), 'refuse'),
  lanes: withDefault(readLanesByView, {} as Readonly<Record<string, LaneFates>>),
  patience: readPatience,
} satisfies Readers<Omit<RollbackOptions, 'holder'>>;

/** Throws as a cut does; MisuseError if none of the views was ever cut. */
export async function rollBack(
  parts: BuilderParts,
  views: readonly string[],
  options: Omit<RollbackOptions, 'holder'>,
): Promise<RolledBack> {
  const { behind, lanes, patience } = readOptions('rollback', options, ROLLBACK);
  await parts.catalog.pointers([]); // takes up what a server has forgotten
  const lasts = await Promise.all(views.map((view) => lastCut(parts, view)));
  const latest = Math.max(...lasts.map(({ n }) => n));
  if (latest === 0) {
    throw new MisuseError(
      `There is nothing to go back to: no generation of ${views.map((view) => `"${view}"`).join(', ')} has taken the place of another.`,
    );
  }
  const moves = lasts
    .filter(({ n }) => n === latest)
    .map(({ view, id }) => ({ view, id, lanes: (Object.hasOwn(lanes, view) && lanes[view]) || {} }));
  const cut = new Cut(parts, moves);
  const missing = behind === 'accept' ? await cut.accept() : [];
  if (behind === 'refuse') await cut.make(patience);
  return { generations: Object.fromEntries(moves.map(({ view, id }) => [view, id])), missing };
}

/** What was read before the last cut of a view, and the number of the change that ended that; 0 if there was none. */
async function lastCut(
  { catalog }: BuilderParts,
  view: string,
): Promise<{ view: string; id: string; n: number }> {
  const [, , , before = ''] = await catalog.change('lineup', [view, '']);
  const [id = '', n = '0'] = before.split(' ');
  return { view, id, n: Number(n) };
}
