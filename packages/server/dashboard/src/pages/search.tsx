/** A search of an index, to try: near to a vector or to a document, or by words, and with a filter. All of it is in the address. */
import { useEffect, useState } from 'preact/hooks';
import { call, type Problem, pathOf } from '../api.js';
import { counted, duration } from '../format.js';
import { say } from '../parts/dialogs.js';
import { Card, Empty, Refused } from '../parts/layout.js';
import { type Column, Table } from '../parts/table.js';
import { Json, Name, Time } from '../parts/text.js';
import { go, query, withQuery } from '../router.js';

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
  {
    title: 'Search on',
    show: ({ id }) => (
      <button type="button" class="small" aria-label={`Near to ${id}`} onClick={() => searchFor('like', id)}>
        Near to
      </button>
    ),
  },
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

/** How something is looked for, by the name of its field in the address. */
const WAYS = {
  vector: { title: 'a vector', label: 'The vector: numbers with commas between', example: '0.1, 0.2, 0.3' },
  like: { title: 'a document', label: 'The id of a document that is to be near', example: 'apple' },
  text: { title: 'words', label: 'The words, or what they mean', example: 'red fruit' },
} as const;
type Way = keyof typeof WAYS;
const ALL_WAYS = Object.keys(WAYS) as Way[];

const searchFor = (way: Way, what: string, filter = query.value.get('filter') ?? ''): void =>
  go(
    withQuery({
      ...{ vector: undefined, like: undefined, text: undefined },
      ...{ [way]: what || undefined, filter: filter || undefined },
    }),
    { replaces: true },
  );

interface Asked {
  readonly way: Way;
  readonly what: string;
  readonly filter: string;
}

const askedIn = (of: URLSearchParams): Asked => {
  const way = ALL_WAYS.find((each) => of.has(each)) ?? 'vector';
  return { way, what: of.get(way) ?? '', filter: of.get('filter') ?? '' };
};

/** Undefined if nothing is looked for. Throws what is wrong with it, in words. */
function questionOf({ way, what, filter }: Asked): object | undefined {
  const condition = filterIn(filter);
  if (what === '' && condition === undefined) return undefined;
  const given = condition === undefined ? {} : { filter: condition };
  if (what === '') return given;
  if (way !== 'vector') return { ...given, [way]: what };
  const vector = numbersIn(what);
  if (vector === undefined)
    throw new Error('A vector is numbers with commas between, such as 0.1, 0.2, 0.3.');
  return { ...given, vector };
}

function filterIn(text: string): object | undefined {
  if (text === '') return undefined;
  try {
    const filter: unknown = JSON.parse(text);
    if (typeof filter === 'object' && filter !== null) return filter;
  } catch {
    // It is said below.
  }
  throw new Error('A filter is JSON, such as {"kind": "fruit"}.');
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

/** What the search in the address finds; undefined while there is none, or none yet. */
function useHits(index: string, asked: Asked, limit: string): Found | Problem | undefined {
  const [found, setFound] = useState<Found | Problem | undefined>(undefined);
  const { way, what, filter } = asked;
  useEffect(() => {
    let isWanted = true;
    setFound(undefined);
    const question = questionOrNone({ way, what, filter });
    if (question === undefined) return;
    const began = performance.now();
    const path = pathOf('/v1/indexes/{index}/search', { index });
    void call<{ hits: readonly Hit[] }>('POST', path, { ...question, limit: Number(limit) }).then(
      ({ hits }) => isWanted && setFound({ hits, took: performance.now() - began }),
      (problem: Problem) => isWanted && setFound(problem),
    );
    return () => {
      isWanted = false;
    };
  }, [index, way, what, filter, limit]);
  return found;
}

/** An address that somebody has typed may have anything in it. */
function questionOrNone(asked: Asked): object | undefined {
  try {
    return questionOf(asked);
  } catch {
    return undefined;
  }
}

export function Search({ index }: { readonly index: string }) {
  const limit = query.value.get('limit') ?? '10';
  const found = useHits(index, askedIn(query.value), limit);
  const took = found && 'hits' in found && (
    <span class="caption">
      {counted(found.hits.length, 'hit')} in {duration(found.took)}
    </span>
  );
  return (
    <Card title="Try a search" right={took}>
      <Form limit={limit} />
      {found && 'title' in found && <Refused problem={found} />}
      {found && 'hits' in found && found.hits.length === 0 && (
        <Empty why="Nothing was found: the index has no document with vectors, or none that matches." />
      )}
      {found && 'hits' in found && found.hits.length > 0 && (
        <Table name="Hits" rows={found.hits} keyOf={({ id }) => id} columns={HITS} />
      )}
    </Card>
  );
}

function Form({ limit }: { readonly limit: string }) {
  const asked = askedIn(query.value);
  const [way, setWay] = useState<Way>(asked.way);
  const [what, setWhat] = useState(asked.what);
  const [filter, setFilter] = useState(asked.filter);
  useEffect(() => {
    setWay(asked.way);
    setWhat(asked.what);
  }, [asked.way, asked.what]);
  const submit = (event: Event): void => {
    event.preventDefault();
    const typed = { way, what: what.trim(), filter: filter.trim() };
    try {
      if (questionOf(typed) === undefined)
        throw new Error(`Say what to look for: ${WAYS[way].title}, or a filter.`);
      searchFor(way, typed.what, typed.filter);
    } catch (error) {
      say((error as Error).message, true);
    }
  };
  const { label, example } = WAYS[way];
  return (
    <form class="pad fields" onSubmit={submit}>
      <label>
        Look for what is near to
        <select value={way} onChange={({ currentTarget: { value } }) => setWay(value as Way)}>
          {ALL_WAYS.map((one) => (
            <option key={one} value={one}>
              {WAYS[one].title}
            </option>
          ))}
        </select>
      </label>
      <label>
        {label}
        <textarea
          rows={2}
          placeholder={example}
          value={what}
          onInput={({ currentTarget: { value } }) => setWhat(value)}
        />
      </label>
      <label>
        Only what matches a filter, as JSON
        <textarea
          rows={1}
          placeholder={'{"kind": "fruit"}'}
          value={filter}
          onInput={({ currentTarget: { value } }) => setFilter(value)}
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
  );
}
