/** One workflow: its runs of one state, by time and text. */
import { pathOf } from '../api.js';
import { counted, number, shellWord } from '../format.js';
import { useLive } from '../live.js';
import { Card, Empty, Head, Pill, Refused } from '../parts/layout.js';
import { type Column, Table } from '../parts/table.js';
import { Name, Time } from '../parts/text.js';
import { go, href, query, withQuery } from '../router.js';
import {
  RUN_LABELS,
  RUN_STATES,
  RUN_TONES,
  type RunCounts,
  type RunRef,
  type RunState,
  runHref,
} from '../runs.js';
import { RunActions } from './run-actions.js';

const MOST = 100;

interface Listed extends RunRef {
  readonly state: RunState;
  /** In ms since the epoch. */
  readonly since: number;
}

/** How far back runs are shown, in ms, by how that is written in the address. */
const SPANS: Readonly<Record<string, number>> = { '15m': 900_000, '1h': 3_600_000, '24h': 86_400_000 };
const SPAN_LABELS: Readonly<Record<string, string>> = {
  '': 'at any time',
  '15m': 'in the last 15 minutes',
  '1h': 'in the last hour',
  '24h': 'in the last day',
};

export function WorkflowPage({ workflow }: { readonly workflow: string }) {
  const { value: counts, problem } = useLive<RunCounts>(pathOf('/v1/workflows/{workflow}', { workflow }));
  return (
    <>
      <Head
        name={workflow}
        verdict={
          <>
            <Name of={workflow} /> {counts ? verdict(counts) : ''}
          </>
        }
        crumbs={<a href="/workflows">Workflows</a>}
      />
      {problem && !counts && <Refused problem={problem} />}
      {counts && <Runs workflow={workflow} counts={counts} />}
    </>
  );
}

function verdict({ stuck, running, waiting, sleeping, delayed }: RunCounts): string {
  if (stuck > 0) return `has ${counted(stuck, 'run')} that ${stuck === 1 ? 'is' : 'are'} stuck`;
  const going = running + waiting + sleeping + delayed;
  return going === 0 ? 'has no run under way' : `has ${counted(going, 'run')} under way`;
}

function Runs({ workflow, counts }: { readonly workflow: string; readonly counts: RunCounts }) {
  const asked = query.value.get('state') as RunState | null;
  const state = asked && RUN_STATES.includes(asked) ? asked : 'running';
  const span = query.value.get('since') ?? '';
  const cursor = query.value.get('cursor') ?? undefined;
  const words = (query.value.get('q') ?? '').toLowerCase();
  const ms = SPANS[span];
  // To the minute, so that the path, and with it what is asked for, stays the same for a while.
  const from = ms === undefined ? undefined : String(Math.floor((Date.now() - ms) / 60_000) * 60_000);
  const { value, problem, stale } = useLive<{ runs: readonly Listed[]; next?: string }>(
    pathOf('/v1/workflows/{workflow}/runs', { workflow }, { state, from, limit: String(MOST), cursor }),
  );
  const rows = [...(value?.runs ?? [])].sort((a, b) => b.since - a.since);
  const listed = rows.filter(({ id, key = '' }) => `${id} ${key}`.toLowerCase().includes(words));
  return (
    <Card
      title={`${RUN_LABELS[state]} runs`}
      stale={stale && value !== undefined}
      right={
        <>
          <span class="caption">
            {number(listed.length)} of {number(counts[state])}
          </span>
          <Since span={span} />
          <input
            type="search"
            aria-label="Part of an id or a key"
            placeholder="Part of an id or a key"
            value={query.value.get('q') ?? ''}
            onInput={({ currentTarget: { value: text } }) => go(withQuery({ q: text }), { replaces: true })}
          />
        </>
      }
    >
      <nav class="tabs pad" aria-label="States">
        {RUN_STATES.map((one) => (
          <a
            key={one}
            href={withQuery({ state: one, cursor: undefined })}
            {...(one === state && { 'aria-current': 'true' })}
          >
            {RUN_LABELS[one]} {number(counts[one])}
          </a>
        ))}
      </nav>
      {problem && !value && <Refused problem={problem} />}
      {value && listed.length === 0 && (
        <Nothing workflow={workflow} state={state} isFiltered={words !== '' || span !== ''} />
      )}
      {listed.length > 0 && (
        <Table
          name={`${RUN_LABELS[state]} runs`}
          rows={listed}
          keyOf={({ id, key = '' }) => `${key} ${id}`}
          columns={COLUMNS}
        />
      )}
      {(cursor !== undefined || value?.next !== undefined) && (
        <p class="pad row">
          {cursor !== undefined && <a href={withQuery({ cursor: undefined })}>First page</a>}
          {value?.next !== undefined && <a href={withQuery({ cursor: value.next })}>Next {number(MOST)}</a>}
        </p>
      )}
    </Card>
  );
}

function Since({ span }: { readonly span: string }) {
  return (
    <select
      aria-label="Since when they have been in this state"
      value={span}
      onChange={({ currentTarget: { value } }) =>
        go(withQuery({ since: value, cursor: undefined }), { replaces: true })
      }
    >
      {Object.entries(SPAN_LABELS).map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  );
}

const COLUMNS: readonly Column<Listed>[] = [
  {
    title: 'Run',
    show: (run) => (
      <a href={runHref(run)}>
        <Name of={run.id} />
      </a>
    ),
  },
  {
    title: 'State',
    show: ({ state }) => <Pill tone={RUN_TONES[state]}>{RUN_LABELS[state].toLowerCase()}</Pill>,
  },
  { title: 'Since', show: ({ since }) => <Time at={since} /> },
  {
    title: 'Key',
    show: ({ key, workflow, state }) =>
      key === undefined ? (
        '–'
      ) : (
        <a href={href('/workflows/:workflow', { workflow }, { state, q: key })}>
          <Name of={key} />
        </a>
      ),
  },
  {
    title: 'Actions',
    isUntitled: true,
    isNumber: true,
    show: (run) => <RunActions run={run} state={run.state} isSmall />,
  },
];

function Nothing(props: {
  readonly workflow: string;
  readonly state: RunState;
  readonly isFiltered: boolean;
}) {
  const { workflow, state, isFiltered } = props;
  if (isFiltered) return <Empty why="No run in this state fits the time and the letters." />;
  if (state !== 'running' && state !== 'waiting') return <Empty why={`No run is ${state}.`} />;
  const url = shellWord(`${location.origin}${pathOf('/v1/workflows/{workflow}/runs', { workflow })}`);
  return (
    <Empty
      why={
        state === 'running'
          ? 'No run is being worked on. One is started so:'
          : 'No run waits for a worker. One is started so:'
      }
      command={`curl -H 'Content-Type: application/json' -d '{"input":{}}' ${url}`}
    />
  );
}
