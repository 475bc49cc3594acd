/** One view of a feature store: freshness, drift, what was refused, generations, lanes, and the row of an entity. */
import type { LaneState, StoreState, ViewState } from '@holdfast/client';
import { useEffect, useState } from 'preact/hooks';
import { call, type Problem, pathOf } from '../api.js';
import { duration, number } from '../format.js';
import { useLive } from '../live.js';
import { Card, Empty, Facts, Head, Pill, Refused, Stat } from '../parts/layout.js';
import { type Column, Table } from '../parts/table.js';
import { Json, Name, Time, Token } from '../parts/text.js';
import { go, href, query, withQuery } from '../router.js';
import { DriftOf } from './drift.js';
import { Freshness, isExpired, refusedIn } from './features.js';

export function ViewPage({ store, view: name }: { readonly store: string; readonly view: string }) {
  const { value, problem, stale } = useLive<StoreState>(pathOf('/v1/features/{store}/stats', { store }));
  const view = value?.views.find((each) => each.name === name);
  return (
    <>
      <Head
        name={name}
        verdict={
          <>
            <Name of={name} /> {view ? verdict(view) : value ? 'is not known here' : ''}
          </>
        }
        sub={view?.description}
        crumbs={
          <>
            <a href="/features">Features</a> / <a href={href('/features/:store', { store })}>{store}</a>
          </>
        }
      />
      {problem && !value && <Refused problem={problem} />}
      {value && !view && <Empty why={`The store has no view of this name that was applied.`} />}
      {view && (
        <>
          <Numbers store={store} view={view} stale={stale} />
          <div class="two">
            <Generations store={store} view={view} stale={stale} />
            <About view={view} stale={stale} />
          </div>
          <DriftOf key={`${store} ${name}`} store={store} view={name} kind={view.kind} />
          <Lanes store={store} view={name} />
          <Lookup store={store} view={name} />
        </>
      )}
    </>
  );
}

function verdict(view: ViewState): string {
  if (view.age === undefined) return 'has no rows yet';
  const age = duration(Math.max(0, view.age));
  return isExpired(view)
    ? `is stale: its newest event is ${age} old`
    : `is fresh: its newest event is ${age} old`;
}

function Numbers({
  store,
  view,
  stale,
}: {
  readonly store: string;
  readonly view: ViewState;
  readonly stale: boolean;
}) {
  const { name, rows, deadLetters, generations, live } = view;
  const to = href('/features/:store/:view', { store, view: name });
  const of = `${store} ${name}`;
  return (
    <div class={stale ? 'stats stale' : 'stats'}>
      <Stat
        label="Rows"
        value={number(rows)}
        to={to}
        note={`in generation ${live}`}
        of={{ name: `${of} rows`, value: rows }}
      />
      <Stat
        label="Refused rows"
        value={number(refusedIn(view))}
        to={`${to}#refused`}
        note="older, equal, late, erased, impossible"
      />
      <Stat
        label="Dead letters"
        value={number(deadLetters)}
        to={to}
        note={deadLetters === 0 ? 'none could not be read' : 'could not be read'}
      />
      <Stat label="Generations" value={number(generations.length)} to={to} note={`${live} is read`} />
    </div>
  );
}

function About({ view, stale }: { readonly view: ViewState; readonly stale: boolean }) {
  const { kind, entity, version, ttl, owner, newest, refused, fields } = view;
  return (
    <Card title="What is known" stale={stale}>
      <div class="pad" id="refused">
        <Facts
          of={[
            ['Freshness', <Freshness key="fresh" view={view} />],
            ['Newest event', newest && <Time at={newest} />],
            ['A row holds for', ttl === undefined ? 'ever' : duration(ttl)],
            ['Kind', kind],
            ['Entity', <Name key="entity" of={entity} />],
            ['Version', version],
            ['Owner', owner],
            ['Features', <Name key="fields" of={fields.join(', ')} />],
            ...Object.entries(refused).map(([why, count]) => [`Refused: ${why}`, number(count)] as const),
          ]}
        />
      </div>
    </Card>
  );
}

type Generation = ViewState['generations'][number];

function Generations({
  store,
  view,
  stale,
}: {
  readonly store: string;
  readonly view: ViewState;
  readonly stale: boolean;
}) {
  const chosen = query.value.get('generation') ?? view.live;
  const columns: readonly Column<Generation>[] = [
    {
      title: 'Generation',
      show: ({ id }) => (
        <a
          href={href('/features/:store/:view', { store, view: view.name }, { generation: id })}
          {...(id === chosen && { 'aria-current': 'true' })}
        >
          <Name of={id} />
        </a>
      ),
    },
    {
      title: 'State',
      show: ({ state }) => (
        <Pill
          tone={state === 'live' ? 'good' : state === 'retired' || state === 'previous' ? 'over' : 'wait'}
        >
          {state}
        </Pill>
      ),
    },
    { title: 'Rows', isNumber: true, show: ({ rows }) => number(rows) },
  ];
  return (
    <Card title="Generations" stale={stale}>
      <Table name="Generations" rows={view.generations} keyOf={({ id }) => id} columns={columns} />
    </Card>
  );
}

const LANES: readonly Column<LaneState>[] = [
  { title: 'Lane', show: ({ lane }) => <Name of={lane} /> },
  {
    title: 'State',
    show: ({ isFinished }) =>
      isFinished ? <Pill tone="over">has landed all</Pill> : <Pill tone="good">open</Pill>,
  },
  { title: 'Token', show: ({ token }) => (token === undefined ? 'shared' : <Token of={token} />) },
  { title: 'Issuer', show: ({ issuer }) => <Name of={issuer} /> },
  { title: 'Rank', isNumber: true, show: ({ rank }) => rank ?? '–' },
  {
    title: 'Taken in of its source',
    show: ({ source }) =>
      source.length === 0
        ? '–'
        : source.map(({ name, through }) => `${name}: ${through ?? 'nothing'}`).join(', '),
  },
];

function Lanes({ store, view }: { readonly store: string; readonly view: string }) {
  const generation = query.value.get('generation') ?? undefined;
  const { value, problem, stale } = useLive<{ lanes: readonly LaneState[] }>(
    pathOf('/v1/features/{store}/views/{view}/lanes', { store, view }, { generation }),
  );
  const of = generation === undefined ? 'the live generation' : `generation ${generation}`;
  return (
    <Card title={`Lanes of ${of}`} stale={stale && value !== undefined}>
      {problem && !value && <Refused problem={problem} />}
      {value?.lanes.length === 0 && (
        <Empty why="Nobody has written to it: a program that holds a lease opens a lane with store.open(view, { holder })." />
      )}
      {value && value.lanes.length > 0 && (
        <Table name="Lanes" rows={value.lanes} keyOf={({ lane }) => lane} columns={LANES} />
      )}
    </Card>
  );
}

interface Row {
  readonly values: Readonly<Record<string, unknown>>;
  readonly time?: number;
  readonly reason?: string;
}

/** The row of one entity, whose id is in the address. */
function Lookup({ store, view }: { readonly store: string; readonly view: string }) {
  const id = query.value.get('id') ?? '';
  const [typed, setTyped] = useState(id);
  const [found, setFound] = useState<Row | Problem | undefined>(undefined);
  useEffect(() => {
    let isWanted = true;
    setFound(undefined);
    if (id === '') return;
    const path = `${pathOf('/v1/features/{store}/views/{view}', { store, view })}:read`;
    void call<{ rows: readonly Row[] }>('POST', path, { ids: [id] }).then(
      ({ rows }) => isWanted && setFound(rows[0]),
      (problem: Problem) => isWanted && setFound(problem),
    );
    return () => {
      isWanted = false;
    };
  }, [id, store, view]);
  return (
    <Card title="Look up an entity">
      <form
        class="pad row start"
        onSubmit={(event) => {
          event.preventDefault();
          go(withQuery({ id: typed.trim() || undefined }), { replaces: true });
        }}
      >
        <input
          aria-label="Id of the entity"
          placeholder="Id of the entity"
          value={typed}
          onInput={({ currentTarget: { value } }) => setTyped(value)}
        />
        <button type="submit">Look up</button>
      </form>
      {found && 'title' in found && <Refused problem={found} />}
      {found && 'values' in found && (
        <div class="pad rows">
          <p class="caption">
            {found.reason === undefined ? 'It held from ' : `Its values are null: ${found.reason}. `}
            {found.time && <Time at={found.time} />}
          </p>
          <Json of={found.values} name={`Features of ${id}`} />
        </div>
      )}
    </Card>
  );
}
