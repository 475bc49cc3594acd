/** The leases that are held, by the beginning of their names, and the writes that were refused. */
import type { ListedLock, LockList, Recorded } from '@holdfast/client';
import { pathOf } from '../api.js';
import { counted, duration, number, shellWord, shownName } from '../format.js';
import { useLive } from '../live.js';
import { Card, Empty, Head, Pill, Refused } from '../parts/layout.js';
import { type Column, Table } from '../parts/table.js';
import { Name, Time, Token } from '../parts/text.js';
import { go, href, query, withQuery } from '../router.js';

const MOST = 100;

export const LockName = ({ of: name }: { readonly of: string }) =>
  // A permit has no page of its own.
  /#\d+$/.test(name) ? (
    <Name of={name} />
  ) : (
    <a href={href('/locks/:name', { name })}>
      <Name of={name} />
    </a>
  );

const COLUMNS: readonly Column<ListedLock>[] = [
  { title: 'Resource', show: ({ resource }) => <LockName of={resource} /> },
  { title: 'Kind', show: ({ kind, certain }) => <Pill tone={certain ? 'good' : 'wait'}>{kind}</Pill> },
  { title: 'Token', show: ({ token }) => (token === undefined ? '–' : <Token of={token} />) },
  {
    title: 'Holder',
    show: ({ owner, readers = [] }) => {
      const holder = owner ?? readers.join(', ');
      return (
        <div class="cut mono" title={holder}>
          {shownName(holder)}
        </div>
      );
    },
  },
  {
    title: 'Time left',
    isNumber: true,
    show: ({ remaining }) => (remaining === undefined ? '–' : duration(Math.max(0, remaining))),
  },
  {
    title: 'Waiting',
    isNumber: true,
    show: ({ resource, waiting }) =>
      resource.includes('#') ? (
        number(waiting)
      ) : (
        <a href={href('/locks/:name', { name: resource })}>{number(waiting)}</a>
      ),
  },
];

/** The command by which a lease is taken. */
export const takeCommand = (name: string): string =>
  `curl -H 'Content-Type: application/json' -d '{"ttl":30000}' ${shellWord(`${location.origin}${pathOf('/v1/locks/{name}/leases', { name })}`)}`;

export function LocksPage() {
  const prefix = query.value.get('prefix') ?? '';
  const path = pathOf('/v1/locks', {}, { prefix: prefix || undefined, limit: String(MOST) });
  const { value, problem, stale } = useLive<LockList>(path);
  const waiting = value?.locks.reduce((sum, lock) => sum + lock.waiting, 0) ?? 0;
  return (
    <>
      <Head
        name="Locks"
        verdict={value ? verdict(value, waiting) : 'Locks'}
        sub="Leases over a quorum of nodes, each under a token that rises."
      />
      {problem && !value && <Refused problem={problem} />}
      {(value || !problem) && (
        <Card
          title="Leases that are held"
          stale={stale && value !== undefined}
          right={
            <>
              {value && (
                <span class="caption">
                  {number(value.locks.length)}
                  {value.more ? ', and there are others' : ' in all'}
                </span>
              )}
              <input
                type="search"
                aria-label="How names begin"
                placeholder="How names begin"
                value={prefix}
                onInput={({ currentTarget: { value: text } }) =>
                  go(withQuery({ prefix: text }), { replaces: true })
                }
              />
            </>
          }
        >
          {value?.locks.length === 0 && <Nothing prefix={prefix} />}
          {value && value.locks.length > 0 && (
            <Table
              name="Leases that are held"
              rows={value.locks}
              keyOf={({ resource }) => resource}
              columns={COLUMNS}
            />
          )}
        </Card>
      )}
      <Refusals />
    </>
  );
}

function verdict({ locks, more }: LockList, waiting: number): string {
  if (locks.length === 0) return 'No lease is held';
  const held = `${more ? 'More than ' : ''}${counted(locks.length, 'lease')} ${locks.length === 1 ? 'is' : 'are'} held`;
  return waiting === 0
    ? `${held}, and nobody waits`
    : `${held}, and ${counted(waiting, 'process', 'processes')} wait`;
}

function Nothing({ prefix }: { readonly prefix: string }) {
  return prefix === '' ? (
    <Empty
      why="Nobody holds a lease now, or none that this key may read. A program takes one with locks.using, or over HTTP:"
      command={takeCommand('account:42')}
    />
  ) : (
    <Empty why="No lease is held whose name begins so." />
  );
}

export const WHO_RECORDS =
  'Recorded are leases over HTTP, and what processes do that call reportTo({ redis }) of @holdfast/fence/report.';

const REFUSED: readonly Column<Recorded>[] = [
  { title: 'When', show: ({ at }) => <Time at={at} /> },
  { title: 'Resource', show: ({ resource }) => <LockName of={resource} /> },
  { title: 'Offered', show: ({ token }) => <Token of={token} /> },
  { title: 'Accepted before', show: ({ seen }) => (seen === undefined ? '–' : <Token of={seen} />) },
  { title: 'Why', show: ({ reason = '' }) => <Pill tone="refused">{REASONS[reason] ?? reason}</Pill> },
];

const REASONS: Readonly<Record<string, string>> = {
  lower: 'stale',
  forgotten: 'the store may have forgotten',
  ahead: 'ahead of the clock',
  issuer: 'of another issuer',
};

const refusalKey = ({ at, resource, token, seen }: Recorded): string => `${at} ${resource} ${token} ${seen}`;

function Refusals() {
  const { value, problem, stale } = useLive<{ entries: readonly Recorded[] }>('/v1/refusals?limit=50');
  const rows = value?.entries ?? [];
  return (
    <Card title="Refused writes" stale={stale && value !== undefined}>
      {problem && !value && <Refused problem={problem} />}
      {value && rows.length === 0 && (
        <Empty why={`No stale write has been refused, or none that was recorded. ${WHO_RECORDS}`} />
      )}
      {rows.length > 0 && <RefusalTable rows={rows} />}
    </Card>
  );
}

export const RefusalTable = ({ rows }: { readonly rows: readonly Recorded[] }) => (
  <Table name="Refused writes" rows={rows} keyOf={refusalKey} columns={REFUSED} />
);
