/** The lanes of a generation, as the partitions know them. */
import { optional, type Readers, text } from '@holdfast/kernel';
import { extremesOf, type Offset, readOffset } from '../source/source.js';
import type { Catalog } from './catalog.js';
import type { Partition } from './partition.js';
import type { Survey } from './verbs.js';

export interface LanesOptions {
  /** The id of a generation. Default: the one that is read. */
  readonly generation?: string;
}

export const LANES = {
  generation: optional(text('the id of a generation')),
} satisfies Readers<LanesOptions>;

/** How far a lane has taken in a partition of its source. */
export interface LaneSource {
  readonly partition: number;
  /** What it is called where it lies. */
  readonly name: string;
  /** All partitions of the store have taken in the source up to here; undefined if one has taken in nothing. */
  readonly through: Offset | undefined;
}

export interface LaneInfo {
  readonly lane: string;
  readonly rank: number | undefined;
  /** Who opened it last: the highest token; undefined if it was opened as shared. */
  readonly token: number | undefined;
  readonly issuer: string;
  /** Whether it has landed all that it will have. */
  readonly isFinished: boolean;
  /** Of a lane that follows a source. */
  readonly source: readonly LaneSource[];
}

/** Of a generation. Throws UnavailableError. */
export async function readLanes(
  catalog: Catalog,
  partitions: readonly Partition[],
  { view, generation }: { readonly view: string; readonly generation: string },
): Promise<readonly LaneInfo[]> {
  const surveys = await Promise.all(
    partitions.map((each) => each.call(each.verbs.survey, `${view}.${generation}`)),
  );
  const names = [...new Set(surveys.flatMap(({ lanes }) => lanes.map(({ lane }) => lane)))].sort();
  const ranks = await catalog.ranks(view);
  return names.map((lane) => {
    const own = of(surveys, lane, '');
    const marks = own.flatMap(({ mark = '' }) => (mark === '' ? [] : [mark.split(' ')]));
    const token = Math.max(0, ...marks.map(([each]) => Number(each)));
    return {
      ...{ lane, rank: ranks.get(lane), issuer: marks[0]?.slice(4).join(' ') ?? '' },
      token: token === 0 ? undefined : token,
      isFinished: own.length > 0 && own.every(({ isFinished }) => isFinished),
      source: sourcesOf(surveys, lane),
    };
  });
}

function sourcesOf(surveys: readonly Survey[], lane: string): readonly LaneSource[] {
  const numbers = new Set(
    surveys.flatMap(({ lanes }) =>
      lanes.filter((each) => each.lane === lane && each.source !== '').map(({ source }) => source),
    ),
  );
  return [...numbers]
    .map((source): LaneSource => {
      const offsets = surveys.map((each) => {
        const [{ offset = undefined } = {}] = of([each], lane, source);
        return offset === undefined ? undefined : readOffset(offset);
      });
      const name = of(surveys, lane, source).find((each) => each.name !== undefined)?.name ?? '';
      return { partition: Number(source), name, through: extremesOf(offsets).lowest };
    })
    .sort((one, other) => one.partition - other.partition);
}

const of = (surveys: readonly Survey[], name: string, from: string): Survey['lanes'][number][] =>
  surveys.flatMap(({ lanes }) => lanes.filter(({ lane, source }) => lane === name && source === from));
