/** One index of vectors: its health, its generations, and a search to try. */
import type { IndexHealth, IndexInfo } from '@holdfast/client';
import { useEffect, useState } from 'preact/hooks';
import { call, type Problem, pathOf } from '../api.js';
import { bytes, counted, duration, number } from '../format.js';
import { useLive } from '../live.js';
import { say } from '../parts/dialogs.js';
import { Card, Empty, Facts, Head, Pill, Refused } from '../parts/layout.js';
import { type Column, Table } from '../parts/table.js';
import { Json, Name, Time } from '../parts/text.js';
import { go, query, withQuery } from '../router.js';
import { Problems } from './features.js';
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

interface Hit {
  readonly id: string;
  readonly score: number;
  readonly time: number;
  readonly attributes: unknown;
}

const HITS: readonly Column<Hit>[] = [
  { title: 'Document', show: ({ id }) => <Name of={id} /> },
  { title: 'Score', isNumber: true, show: ({ score }) => score.toFixed(4) },
  { title: 'Event time', show: ({ time }) => <Time at={time} /> },
  { title: 'Attributes', show: ({ attributes }) => <Attributes of={attributes} /> },
];

const Attributes = ({ of: value }: { readonly of: unknown }) => (
  <details>
    <summary class="cut">{JSON.stringify(value)?.slice(0, 120)}</summary>
    <Json of={value} name="Attributes" />
  </details>
);

interface Found {
  readonly hits: readonly Hit[];
  /** In ms, as the browser has waited. */
  readonly took: number;
}

const LIMITS = ['5', '10', '50'];

/** A search whose vector and size are in the address. */
function Search({ index }: { readonly index: string }) {
  const vector = query.value.get('vector') ?? '';
  const limit = query.value.get('limit') ?? '10';
  const [typed, setTyped] = useState(vector);
  const [found, setFound] = useState<Found | Problem | undefined>(undefined);
  useEffect(() => {
    let isWanted = true;
    setFound(undefined);
    const numbers = numbersIn(vector);
    if (numbers === undefined) return;
    const began = performance.now();
    void call<{ hits: readonly Hit[] }>('POST', pathOf('/v1/indexes/{index}/search', { index }), {
      ...{ vector: numbers, limit: Number(limit) },
    }).then(
      ({ hits }) => isWanted && setFound({ hits, took: performance.now() - began }),
      (problem: Problem) => isWanted && setFound(problem),
    );
    return () => {
      isWanted = false;
    };
  }, [index, vector, limit]);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (numbersIn(typed) === undefined)
      say('A vector is numbers with commas between, such as 0.1, 0.2, 0.3.', true);
    else go(withQuery({ vector: typed.trim() }), { replaces: true });
  };
  return (
    <Card
      title="Try a search"
      right={
        found &&
        'hits' in found && (
          <span class="caption">
            {counted(found.hits.length, 'hit')} in {duration(found.took)}
          </span>
        )
      }
    >
      <form class="pad fields" onSubmit={submit}>
        <label>
          The vector: numbers with commas between
          <textarea
            rows={2}
            placeholder="0.1, 0.2, 0.3"
            value={typed}
            onInput={({ currentTarget: { value } }) => setTyped(value)}
          />
        </label>
        <div class="row start">
          <select
            aria-label="How many hits"
            value={limit}
            onChange={({ currentTarget: { value } }) => go(withQuery({ limit: value }), { replaces: true })}
          >
            {LIMITS.map((one) => (
              <option key={one} value={one}>
                the best {one}
              </option>
            ))}
          </select>
          <button type="submit" class="first">
            Search
          </button>
        </div>
      </form>
      {found && 'title' in found && <Refused problem={found} />}
      {found && 'hits' in found && found.hits.length === 0 && (
        <Empty why="Nothing was found: the index has no document with vectors." />
      )}
      {found && 'hits' in found && found.hits.length > 0 && (
        <Table name="Hits" rows={found.hits} keyOf={({ id }) => id} columns={HITS} />
      )}
    </Card>
  );
}

/** Undefined unless it is numbers with commas between, in brackets or not. */
function numbersIn(text: string): readonly number[] | undefined {
  const parts = text
    .trim()
    .replaceAll(/^\[|\]$/g, '')
    .split(',')
    .map((part) => part.trim());
  const numbers = parts.map(Number);
  return parts.includes('') || !numbers.every(Number.isFinite) ? undefined : numbers;
}
