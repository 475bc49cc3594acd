/**
 * Whether a generation may take the place of another: what it lacks of the lanes of the one that is read.
 *
 * Guarantees: a lane counts as caught up only if in every partition of the store the new generation has taken in all that any
 * partition of the old one has: a new definition may send a record to another partition than the old one did. Every lane of
 * the old generation must be named, so that none is forgotten.
 */
import { MisuseError } from '@holdfast/kernel';
import { compareOffsets, type Offset, readOffset } from '../source/source.js';
import type { Survey } from '../store/verbs.js';
import { notCopied, originalOf } from './copied.js';

/**
 * What becomes of a lane of the generation that is read. `same`: a lane of that name follows the same source in the new one,
 * and has taken in as much. `copy`: its rows were copied by `store.copy()`, all of them. `finished`: a lane of that name has
 * landed all that it will have. `ended`: it is not wanted.
 */
export type LaneFate = 'same' | 'copy' | 'finished' | 'ended';

/** Two generations: that which is read, "<view>.<generation>", and what both have. */
export interface Compared {
  readonly from: string;
  readonly old: readonly Survey[];
  readonly next: readonly Survey[];
}

/** What keeps a generation from taking the place of another, in words; none if nothing does. */
export function missing(lanes: Readonly<Record<string, LaneFate>>, compared: Compared): readonly string[] {
  const { from, old, next } = compared;
  const found: string[] = [];
  for (const name of namesIn(old)) {
    const fate = Object.hasOwn(lanes, name) ? lanes[name] : undefined;
    if (fate === undefined) {
      throw new MisuseError(
        `The generation that is read has a lane "${name}"; say in "lanes" what becomes of it: same, copy, finished or ended.`,
      );
    }
    if (fate === 'same') found.push(...behind(name, old, next));
    if (fate === 'copy') found.push(...notCopied(name, from, compared));
    if (fate === 'finished' && !next.every((survey) => isFinished(name, survey)))
      found.push(`the lane "${name}" has not finished`);
  }
  for (const [name, fate] of Object.entries(lanes)) {
    const isNew = fate === 'finished' && !namesIn(old).includes(name);
    if (isNew && !next.every((survey) => isFinished(name, survey)))
      found.push(`the lane "${name}" has not finished`);
  }
  return found;
}

/**
 * What a generation lacks of another, in words, where nothing is waited for: the ranges of sources, and the lanes whose rows have
 * no source.
 */
export function lacking(compared: Compared): readonly string[] {
  const { from, old, next } = compared;
  return namesIn(old).flatMap((name) => {
    if (notCopied(name, from, compared).length === 0) return [];
    const follows = old.some(({ lanes }) => lanes.some(({ lane, source }) => lane === name && source !== ''));
    if (follows) return behind(name, old, next);
    return [`it may lack rows that were landed in the lane "${name}" without a source`];
  });
}

/** Those whose rows a generation has. */
const namesIn = (surveys: readonly Survey[]): readonly string[] => [
  ...new Set(surveys.flatMap(({ lanes }) => lanes.map(({ lane }) => originalOf(lane)))),
];

const isFinished = (name: string, { lanes }: Survey): boolean =>
  lanes.some(({ lane, source, isFinished }) => lane === name && source === '' && isFinished);

function behind(name: string, old: readonly Survey[], next: readonly Survey[]): readonly string[] {
  const sources = new Set(
    old
      .flatMap(({ lanes }) => lanes.filter(({ lane, source }) => lane === name && source !== ''))
      .map(({ source }) => source),
  );
  if (sources.size === 0) {
    throw new MisuseError(
      `The lane "${name}" follows no source, so it cannot be the "same" in another generation; say finished or ended.`,
    );
  }
  return [...sources].flatMap((source) => {
    const wanted = extreme(offsetsOf(name, source, old), 1);
    const taken = extreme(offsetsOf(name, source, next), -1);
    if (compareOffsets(taken, wanted) >= 0) return [];
    const [has, wants] = [taken, wanted].map((offset) => offset?.join('-') ?? 'nothing');
    return [`the lane "${name}" has taken in partition ${source} of its source through ${has}, not ${wants}`];
  });
}

const offsetsOf = (name: string, of: string, surveys: readonly Survey[]): readonly (Offset | undefined)[] =>
  surveys.map(({ lanes }) => {
    const found = lanes.find(({ lane, source }) => lane === name && source === of);
    return found?.offset === undefined ? undefined : readOffset(found.offset);
  });

/** The highest one for 1, the lowest for -1. */
const extreme = (offsets: readonly (Offset | undefined)[], sign: 1 | -1): Offset | undefined =>
  offsets.reduce((one, other) => (sign * compareOffsets(other, one) > 0 ? other : one));
