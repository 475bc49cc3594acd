/** All indexes of vectors. */
import type { IndexInfo } from '@holdfast/client';
import { counted, number } from '../format.js';
import { useLive } from '../live.js';
import { Card, Empty, Head, Refused } from '../parts/layout.js';
import { type Column, Table } from '../parts/table.js';
import { Name, Time } from '../parts/text.js';
import { href } from '../router.js';

/** The dimensions of each name of vectors. */
export const shapesOf = ({ vectors }: IndexInfo): string =>
  Object.entries((vectors ?? {}) as Record<string, { dimensions?: number; metric?: string }>)
    .map(([name, { dimensions, metric }]) =>
      `${name === '' ? '' : `${name}: `}${dimensions} ${metric ?? ''}`.trim(),
    )
    .join(', ');

const COLUMNS: readonly Column<IndexInfo>[] = [
  {
    title: 'Index',
    show: ({ name }) => (
      <a href={href('/vectors/:index', { index: name })}>
        <Name of={name} />
      </a>
    ),
  },
  {
    title: 'Entries',
    isNumber: true,
    show: ({ name, entries }) => <a href={href('/vectors/:index', { index: name })}>{number(entries)}</a>,
  },
  { title: 'Dimensions', show: shapesOf },
  { title: 'Model', show: ({ model }) => <Name of={model} /> },
  {
    title: 'Live generation',
    show: ({ name, live }) => (
      <a href={href('/vectors/:index', { index: name })}>
        <Name of={live} />
      </a>
    ),
  },
  {
    title: 'Generations',
    isNumber: true,
    show: ({ name, generations }) => (
      <a href={href('/vectors/:index', { index: name })}>{number(generations)}</a>
    ),
  },
  { title: 'Written', show: ({ written }) => <Time at={written} /> },
];

export function VectorsPage() {
  const { value, problem, stale } = useLive<{ indexes: readonly IndexInfo[] }>('/v1/indexes');
  const indexes = value?.indexes;
  const entries = indexes?.reduce((sum, index) => sum + index.entries, 0) ?? 0;
  return (
    <>
      <Head
        name="Vectors"
        verdict={
          !indexes
            ? 'Vectors'
            : indexes.length === 0
              ? 'There is no index yet'
              : `${counted(indexes.length, 'index', 'indexes')}, ${counted(entries, 'entry', 'entries')}`
        }
        sub="Documents that are found by what is near to them."
      />
      {problem && !indexes && <Refused problem={problem} />}
      {indexes && (
        <Card title="Indexes" stale={stale}>
          {indexes.length === 0 ? (
            <Empty why="There is no index, or none that this key may read. One exists from the first document that a program puts into it: createIndex({ redis, name, vectors: { dimensions } }).put(…)." />
          ) : (
            <Table name="Indexes" rows={indexes} keyOf={({ name }) => name} columns={COLUMNS} />
          )}
        </Card>
      )}
    </>
  );
}
