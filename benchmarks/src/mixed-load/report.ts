/** The verdict of the mixed load, and its tables. */
import { number, numberSpread, type Report, type Table } from '../harness/report.js';
import { spread } from '../harness/statistics.js';
import { never } from '../harness/targets.js';
import type { Balancer, Refusal } from './balancer.js';
import type { Fsync } from './deployment.js';
import type { Disturbances } from './disturbances.js';
import type { Complaint } from './traffic/traffic.js';

export interface Outcome {
  readonly fsync: Fsync;
  /** In ms. */
  readonly took: number;
  /** By kind of traffic. */
  readonly counted: ReadonlyMap<string, Readonly<Record<string, number>>>;
  readonly complaints: readonly (Complaint & { readonly of: string })[];
  readonly disturbances: Disturbances;
  readonly balancer: Balancer;
  /** Of the replicas: from the start of a process until it listened, in ms. */
  readonly starts: readonly number[];
}

/** 409 of a lease that somebody holds is an answer, and so is 410 of a task whose lease ran out while the servers were away. */
const ANSWERS = ['409 HOLDFAST_BUSY', '410 HOLDFAST_LEASE_LOST'];
/** And where Redis may forget: that a fence does not know any more, and that something is gone. */
const OF_FORGETTING = [
  '412 HOLDFAST_STALE_TOKEN forgotten',
  '404 HOLDFAST_NOT_FOUND',
  '404 HOLDFAST_RUN_GONE',
];

export function reportOf(
  outcomes: readonly Outcome[],
  environment: Report['environment'],
  command: string,
): Report {
  return {
    title: 'Mixed load under rolling restarts',
    ...{ command, environment },
    targets: outcomes.flatMap((outcome) => [
      never(`${outcome.fsync}: acknowledged and lost, or otherwise wrong`, spread([wrongOf(outcome).length])),
      never(
        `${outcome.fsync}: errors other than 429 and 503 with Retry-After`,
        spread([unexpectedOf(outcome).length]),
      ),
    ]),
    tables: outcomes.flatMap(tablesOf),
    remarks: [
      'Everything shares this machine: five lock nodes without persistence, a data Redis with an append-only file, two replicas of `holdfast serve`, a worker of workflows, and the clients, which give each request to a replica whose `/readyz` says that it is ready.',
      'Restarted in turn, one at a time: a replica (SIGTERM, 2 s of drain); a node (SIGKILL, without its data), until it votes again; the data Redis (SIGKILL and SIGTERM in turn).',
      'With `everysec`, the SIGKILL is a loss of power: what was appended within the last second is cut off its file. What was acknowledged then is counted as forgotten, and nothing else may be.',
      'Answers that are no errors: 409 of a lease that somebody holds, 410 of a task whose lease ran out while the data Redis was away; and with `everysec`, 412 `forgotten` of a fence for 10 s after a restart, and 404 of what was forgotten.',
    ],
    data: outcomes.map(({ balancer, disturbances, ...outcome }) => ({
      ...outcome,
      statuses: balancer.statuses,
      refusals: balancer.refusals,
      restarts: disturbances.counts,
    })),
  };
}

function isForgiven({ acknowledged }: Complaint, { powerLosses }: Disturbances): boolean {
  return (
    acknowledged !== undefined &&
    powerLosses.some(({ from, to }) => acknowledged >= from && acknowledged <= to)
  );
}

const wrongOf = ({ complaints, disturbances }: Outcome) =>
  complaints.filter((complaint) => !isForgiven(complaint, disturbances));

const unexpectedOf = ({ balancer, fsync }: Outcome): readonly Refusal[] =>
  [...balancer.refusals.values()].flatMap(({ count, first }) =>
    isExpected(first, fsync) ? [] : Array.from({ length: count }, () => first),
  );

const isExpected = ({ status, code, retryAfter }: Refusal, fsync: Fsync): boolean =>
  ([429, 503].includes(status) && retryAfter) ||
  ANSWERS.includes(`${status} ${code}`) ||
  (fsync === 'everysec' && OF_FORGETTING.includes(`${status} ${code}`));

function tablesOf(outcome: Outcome): readonly Table[] {
  const { fsync, took, counted, disturbances, balancer, starts } = outcome;
  const forgiven = outcome.complaints.length - wrongOf(outcome).length;
  const refusals = [...balancer.refusals.values()];
  return [
    {
      title: `appendfsync ${fsync}: what was acknowledged`,
      about: `In ${number(took / 60_000)} min. Restarts: ${Object.entries(disturbances.counts)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ')}.${fsync === 'everysec' ? ` Forgotten with the power: ${forgiven}.` : ''}`,
      columns: ['system', 'what'],
      rows: [...counted].map(([name, counts]) => [
        name,
        Object.entries(counts)
          .map(([what, count]) => `${what} ${count.toLocaleString('en-US')}`)
          .join(', '),
      ]),
    },
    {
      title: `appendfsync ${fsync}: answers`,
      about: `By status. One without an answer is a connection that broke. The slowest answer to a renewal of a lease took ${number(balancer.slowestRenewal)} ms, a start of a replica until it listened ${numberSpread(spread(starts))} ms.`,
      columns: ['status', 'code', 'of', 'Retry-After', 'count'],
      rows: [
        ...[...balancer.statuses]
          .filter(([status]) => status < 400)
          .sort(([one], [other]) => one - other)
          .map(([status, count]) => [`${status}`, '', '', '', count.toLocaleString('en-US')]),
        ...refusals
          .sort((one, other) => one.first.status - other.first.status)
          .map(({ count, first: { status, code, what, retryAfter } }) => [
            status === 0 ? 'none' : `${status}`,
            ...[code, what, retryAfter ? 'yes' : 'no', count.toLocaleString('en-US')],
          ]),
      ],
    },
    ...problemsOf(outcome),
  ];
}

/** What is wrong, the first of each kind; no table if there is nothing. */
function problemsOf(outcome: Outcome): readonly Table[] {
  const unexpected = new Map(
    unexpectedOf(outcome).map((refusal) => [`${refusal.status} ${refusal.what}`, refusal]),
  );
  const rows = [
    ...wrongOf(outcome).map(({ of, what }) => [of, what]),
    ...[...unexpected.values()].map(({ what, detail }) => [what, detail.slice(0, 200)]),
  ];
  if (rows.length === 0) return [];
  const about = 'Of the errors, the first of each kind.';
  return [
    {
      title: `appendfsync ${outcome.fsync}: what is wrong`,
      about,
      columns: ['of', 'what'],
      rows: rows.slice(0, 50),
    },
  ];
}
