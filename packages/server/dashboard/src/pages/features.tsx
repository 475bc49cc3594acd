/** The feature stores that there are, and one store: how fresh its views are, and what is wrong with it. */
import type { StoreState, ViewState } from '@holdfast/client';
import { pathOf } from '../api.js';
import { counted, duration, number } from '../format.js';
import { useLive } from '../live.js';
import { Card, Empty, Facts, Head, Pill, Refused } from '../parts/layout.js';
import { type Column, Table } from '../parts/table.js';
import { Name, Time } from '../parts/text.js';
import { href } from '../router.js';

export function FeaturesPage() {
  const { value, problem, stale } = useLive<{ stores: readonly string[] }>('/v1/features');
  const stores = value?.stores;
  return (
    <>
      <Head
        name="Features"
        verdict={
          !stores
            ? 'Features'
            : stores.length === 0
              ? 'There is no feature store yet'
              : counted(stores.length, 'feature store')
        }
        sub="Rows of entities by event time, written in lanes under a token."
      />
      {problem && !stores && <Refused problem={problem} />}
      {stores && (
        <Card title="Stores" stale={stale}>
          {stores.length === 0 ? (
            <Empty
              why="There is no feature store, or none that this key may read. A program makes one with createFeatures and store.apply(); so does the command line:"
              command="npx holdfast features apply --app ./app.js"
            />
          ) : (
            <Table name="Stores" rows={stores} keyOf={(name) => name} columns={STORES} />
          )}
        </Card>
      )}
    </>
  );
}

const STORES: readonly Column<string>[] = [
  {
    title: 'Store',
    show: (store) => (
      <a href={href('/features/:store', { store })}>
        <Name of={store} />
      </a>
    ),
  },
];

/** The sum of what was refused. */
export const refusedIn = ({ refused }: ViewState): number =>
  Object.values(refused).reduce((sum, count) => sum + count, 0);

/** Whether the newest row has outlived its time. */
export const isExpired = ({ age, ttl }: ViewState): boolean =>
  age !== undefined && ttl !== undefined && age > ttl;

export function StorePage({ store }: { readonly store: string }) {
  const { value, problem, stale } = useLive<StoreState>(pathOf('/v1/features/{store}/stats', { store }));
  return (
    <>
      <Head
        name={store}
        verdict={
          <>
            <Name of={store} /> {value ? verdict(value) : ''}
          </>
        }
        crumbs={<a href="/features">Features</a>}
      />
      {problem && !value && <Refused problem={problem} />}
      {value && (
        <>
          {value.problems.length > 0 && <Problems of={value.problems} />}
          <Card title="Views" stale={stale}>
            {value.views.length === 0 ? (
              <Empty why="No view was applied: define one with view(…), and call store.apply()." />
            ) : (
              <Table
                name="Views"
                rows={value.views}
                keyOf={({ name }) => name}
                columns={viewColumns(store)}
              />
            )}
          </Card>
          <Card title="The log of accepted rows" stale={stale}>
            <div class="pad">
              <Facts
                of={[
                  ['Entries', number(value.log.entries)],
                  [
                    'The first is',
                    value.log.age === undefined ? undefined : `${duration(value.log.age)} old`,
                  ],
                  ['Kept until', 'an exporter has written them into files'],
                ]}
              />
            </div>
          </Card>
        </>
      )}
    </>
  );
}

export const Problems = ({ of: problems }: { readonly of: readonly string[] }) => (
  <Card title="Needs attention">
    <ul class="findings">
      {problems.map((problem) => (
        <li key={problem}>
          <Pill tone="bad">act</Pill>
          <span class="what">{problem}</span>
        </li>
      ))}
    </ul>
  </Card>
);

function verdict({ views, problems }: StoreState): string {
  if (problems.length > 0) return `needs attention: ${counted(problems.length, 'problem')}`;
  const expired = views.filter(isExpired).length;
  if (expired > 0) return `has ${counted(expired, 'view')} whose newest row has outlived its time`;
  const rows = views.reduce((sum, view) => sum + view.rows, 0);
  return `has ${counted(rows, 'row')} in ${counted(views.length, 'view')}`;
}

const viewColumns = (store: string): readonly Column<ViewState>[] => {
  const to = (view: string): string => href('/features/:store/:view', { store, view });
  const count = (title: string, of: (view: ViewState) => number): Column<ViewState> => ({
    title,
    isNumber: true,
    show: (view) => <a href={to(view.name)}>{number(of(view))}</a>,
  });
  return [
    {
      title: 'View',
      show: ({ name }) => (
        <a href={to(name)}>
          <Name of={name} />
        </a>
      ),
    },
    { title: 'Freshness', show: (view) => <Freshness view={view} /> },
    { title: 'Newest event', show: ({ newest }) => (newest === undefined ? '–' : <Time at={newest} />) },
    count('Rows', ({ rows }) => rows),
    count('Refused', refusedIn),
    count('Dead letters', ({ deadLetters }) => deadLetters),
    { title: 'Entity', show: ({ entity }) => <Name of={entity} /> },
    {
      title: 'Live generation',
      show: ({ name, live }) => (
        <a href={to(name)}>
          <Name of={live} />
        </a>
      ),
    },
    count('Being filled', ({ generations }) => generations.filter(({ state }) => state === 'filling').length),
  ];
};

export function Freshness({ view }: { readonly view: ViewState }) {
  if (view.age === undefined) return <Pill tone="over">no rows</Pill>;
  const age = duration(Math.max(0, view.age));
  return isExpired(view) ? <Pill tone="bad">expired, {age} old</Pill> : <Pill tone="good">{age} old</Pill>;
}
