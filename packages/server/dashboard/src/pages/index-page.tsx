/** One index of vectors: its health, its generations, and a search to try. */
import type { IndexHealth, IndexInfo } from '@holdfast/client';
import { pathOf } from '../api.js';
import { bytes, counted, number } from '../format.js';
import { useLive } from '../live.js';
import { Card, Facts, Head, Pill, Refused } from '../parts/layout.js';
import { type Column, Table } from '../parts/table.js';
import { Name, Time } from '../parts/text.js';
import { Problems } from './features.js';
import { Search } from './search.js';
import { shapesOf } from './vectors.js';

export function IndexPage({ index }: { readonly index: string }) {
  const { value: info, problem, stale } = useLive<IndexInfo>(pathOf('/v1/indexes/{index}', { index }));
  const { value: health, problem: unread } = useLive<IndexHealth>(
    pathOf('/v1/indexes/{index}/health', { index }),
  );
  return (
    <>
      <Head
        name={index}
        verdict={
          <>
            <Name of={index} /> {health ? verdict(health) : ''}
          </>
        }
        crumbs={<a href="/vectors">Vectors</a>}
      />
      {problem && !info && <Refused problem={problem} />}
      {health && health.problems.length > 0 && <Problems of={health.problems} />}
      {info && (
        <>
          <div class="two">
            <About info={info} health={health} stale={stale} />
            <Card title="Generations" stale={stale}>
              {unread && !health && <Refused problem={unread} />}
              {health && (
                <Table
                  name="Generations"
                  rows={health.generations}
                  keyOf={({ generation }) => generation}
                  columns={GENERATIONS}
                />
              )}
            </Card>
          </div>
          <Search index={index} />
        </>
      )}
    </>
  );
}

function verdict({ problems, documents, behind }: IndexHealth): string {
  if (problems.length > 0) return `needs attention: ${counted(problems.length, 'problem')}`;
  const has = `has ${counted(documents, 'document')}`;
  return behind === 0 ? `${has}, and nothing is behind` : `${has}; ${number(behind)} are behind`;
}

const STATES = { live: 'good', building: 'wait', kept: 'over', dropping: 'over' } as const;

const GENERATIONS: readonly Column<IndexHealth['generations'][number]>[] = [
  { title: 'Generation', show: ({ generation }) => <Name of={generation} /> },
  { title: 'State', show: ({ state }) => <Pill tone={STATES[state]}>{state}</Pill> },
  { title: 'Model', show: ({ model }) => <Name of={model} /> },
];

function About(props: {
  readonly info: IndexInfo;
  readonly health: IndexHealth | undefined;
  readonly stale: boolean;
}) {
  const { info, health, stale } = props;
  return (
    <Card title="What is known" stale={stale}>
      <div class="pad">
        <Facts
          of={[
            ['Entries', `${number(info.entries)}, with deletions that are remembered`],
            ['Written', <Time key="written" at={info.written} />],
            ['Dimensions', shapesOf(info)],
            ['Model', <Name key="model" of={info.model} />],
            ['Live generation', <Name key="live" of={info.live} />],
            ['Epoch', <Name key="epoch" of={info.epoch} />],
            ...(health?.vectors ?? []).map(
              ({ name, vectors, lists, bytes: size }) =>
                [
                  name === '' ? 'In this server' : `${name}, in this server`,
                  `${counted(vectors, 'vector')} in ${counted(lists, 'list')}, ${bytes(size)}`,
                ] as const,
            ),
            ['Wait for vectors', health && number(health.waiting)],
            ['Do not fit into memory', health && number(health.unapplied)],
            ['Cannot be read', health && number(health.unreadable)],
          ]}
        />
      </div>
    </Card>
  );
}
