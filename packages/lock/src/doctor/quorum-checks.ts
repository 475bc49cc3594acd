/**
 * The checks across the nodes: their number, servers named twice, clocks, distances. Pure functions over facts.
 */
import { formatDuration } from '@holdfast/kernel';
import type { ClockFacts, DeploymentFacts, Facts, NodeFacts } from './facts.js';
import type { Finding } from './findings.js';

type QuorumCheck = (facts: Facts) => Finding[];

/** How much slower than most a node must be to be worth a word: this many times, and by this many ms. */
const FAR = { times: 5, by: 10 };

const number: QuorumCheck = ({ nodes: { length, 0: first }, deployment: { quorum, allowEven } }) => {
  if (length % 2 === 0) {
    return [
      {
        severity: allowEven ? 'note' : 'warning',
        check: 'nodes',
        message: `There are ${length} nodes, of which ${quorum} must vote: ${length - quorum} may fail, no more than of ${length - 1} nodes.`,
        advice: 'Take one away or add one. With an even number every client needs --allow-even.',
      },
    ];
  }
  if (length > 1 || first?.via !== undefined) return [];
  return [
    {
      severity: 'note',
      check: 'nodes',
      message: 'There is one node: while it is away, no lease can be had.',
      advice: 'Three nodes survive the loss of one, five of two.',
    },
  ];
};

const twins: QuorumCheck = ({ nodes }) => {
  const groups = grouped(nodes, ({ server }) => server?.runId || undefined);
  return groups.map(([runId, names]) => ({
    severity: 'error',
    check: 'same-server',
    stopsVotes: true,
    message: `${names.join(' and ')} are the same Redis server (run_id ${runId}). It would vote more than once, so clients refuse to work with this list.`,
    advice: 'Name each server once.',
  }));
};

const neighbours: QuorumCheck = ({ nodes }) =>
  grouped(nodes, ({ host }) => (host && /^(127\.|\[?::1|localhost$)/.test(host) ? 'this machine' : host)).map(
    ([host, names]) => ({
      severity: 'note',
      check: 'same-host',
      message: `${names.length} of ${nodes.length} nodes are on ${host}: they fail together.`,
      advice: 'Outside of development, give each node a machine of its own.',
    }),
  );

/** Names that share a key with others. */
function grouped(nodes: readonly NodeFacts[], key: (node: NodeFacts) => string | undefined) {
  const groups = new Map<string, string[]>();
  for (const node of nodes) {
    const own = key(node);
    if (own !== undefined) groups.set(own, [...(groups.get(own) ?? []), node.node]);
  }
  return [...groups].filter(([, names]) => names.length > 1);
}

interface Timed {
  readonly node: string;
  readonly clock: ClockFacts;
}

const clocks: QuorumCheck = ({ nodes, deployment }) => {
  const timed = nodes.flatMap(({ node, clock }): Timed[] => (clock ? [{ node, clock }] : []));
  const middle = median(timed.map(({ clock }) => clock.ahead));
  if (middle === undefined) return [];
  const beside = timed.flatMap((each) => judgeClock(each, middle, deployment));
  const apart = beside.some(({ severity }) => severity === 'error') ? [] : judgeSpread(timed, deployment);
  return [...beside, ...apart, ...judgeOwnClock(timed, middle, deployment)];
};

const CLOCK_ADVICE = 'Keep the clocks of all machines right with NTP (chrony, systemd-timesyncd).';

/** A proposal that suits the other nodes is refused by a node that is further off than the window. */
function judgeClock({ node, clock }: Timed, middle: number, { window }: DeploymentFacts): Finding[] {
  const off = clock.ahead - middle;
  const least = Math.abs(off) - clock.uncertainty;
  if (least <= window / 2) return [];
  const words = `Its clock is ${formatDuration(Math.abs(off))} ${off > 0 ? 'ahead of' : 'behind'} those of the other nodes`;
  const common = { check: 'clock', node, advice: CLOCK_ADVICE };
  return least > window
    ? [
        {
          ...common,
          severity: 'error',
          stopsVotes: true,
          message: `${words}, more than the window of ${formatDuration(window)}: it refuses tokens that suit the others.`,
        },
      ]
    : [
        {
          ...common,
          severity: 'warning',
          message: `${words}. Beyond the window of ${formatDuration(window)} it refuses tokens that suit the others.`,
        },
      ];
}

/** Two nodes may be too far from each other although neither is too far from the middle. */
function judgeSpread(timed: readonly Timed[], { window }: DeploymentFacts): Finding[] {
  const sorted = [...timed].sort((a, b) => a.clock.ahead - b.clock.ahead);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (!first || !last) return [];
  const apart = last.clock.ahead - first.clock.ahead;
  if (apart - first.clock.uncertainty - last.clock.uncertainty <= window) return [];
  return [
    {
      severity: 'error',
      check: 'clock',
      message: `The clock of ${last.node} is ${formatDuration(apart)} ahead of that of ${first.node}, more than the window of ${formatDuration(window)}: they hardly agree on a token.`,
      advice: CLOCK_ADVICE,
    },
  ];
}

/** A client whose clock is wrong learns the nodes' time from their refusals: that costs no lease, only time. */
function judgeOwnClock(timed: readonly Timed[], middle: number, { window }: DeploymentFacts): Finding[] {
  const doubt = Math.max(...timed.map(({ clock }) => clock.uncertainty));
  const off = Math.abs(middle) - doubt;
  if (off <= window / 2) return [];
  const beyond = off > window;
  return [
    {
      severity: 'warning',
      check: 'clock',
      message: `The clock of this machine is ${formatDuration(Math.abs(middle))} ${middle > 0 ? 'behind' : 'ahead of'} those of the nodes. ${beyond ? 'The first request of every process is refused, and repeated with their time' : `Beyond the window of ${formatDuration(window)}, the first request of every process is refused and repeated`}.`,
      advice: CLOCK_ADVICE,
    },
  ];
}

const distance: QuorumCheck = ({ nodes, deployment: { callTimeout } }) => {
  const measured = nodes.flatMap(({ node, latency }) => {
    const usual = median(latency ?? []);
    return usual === undefined ? [] : [{ node, usual, worst: Math.max(...(latency ?? [])) }];
  });
  const common = median(measured.map(({ usual }) => usual)) ?? 0;
  return measured.flatMap(({ node, usual, worst }): Finding[] => {
    if (worst >= callTimeout / 2) {
      return [
        {
          severity: 'warning',
          check: 'latency',
          node,
          message: `A PING took up to ${formatDuration(worst)}, usually ${formatDuration(usual)}. A node that takes ${formatDuration(callTimeout)} counts as away.`,
          advice:
            'Find out whether the way or the server is slow; or raise --call-timeout, and the TTLs to five times that.',
        },
      ];
    }
    if (usual < common * FAR.times || usual < common + FAR.by) return [];
    return [
      {
        severity: 'note',
        check: 'latency',
        node,
        message: `A PING takes ${formatDuration(usual)}, and ${formatDuration(common)} at most nodes. A slow minority costs nothing; once it is needed for a majority, every lease waits for it.`,
        advice: 'Find out whether the way or the server is slow.',
      },
    ];
  });
};

/** How far a majority may be for leases of any length to make sense, in ms; and the shortest TTL beyond that, in round trips. */
const NEAR = { within: 10, roundTrips: 20 };

/** A call about a lease takes as long as the nearest majority of the nodes. */
const majorityAway: QuorumCheck = ({ nodes, deployment: { quorum, parameters } }) => {
  const usual = nodes.flatMap(({ latency }) => median(latency ?? []) ?? []).sort((a, b) => a - b);
  const needed = usual[quorum - 1];
  if (needed === undefined || needed < NEAR.within) return [];
  const shortest = needed * NEAR.roundTrips;
  const maxTtl = Number(/\bmaxTtl=(\d+)/.exec(parameters)?.[1] ?? Number.POSITIVE_INFINITY);
  const isTooShort = maxTtl < shortest;
  return [
    {
      severity: isTooShort ? 'warning' : 'note',
      check: 'latency',
      message: `The nearest ${quorum} of ${nodes.length} nodes are up to ${formatDuration(needed)} away from here, so each acquire, extension and release takes that long. A lease of less than ${formatDuration(shortest)} spends more than a twentieth of its time on the way${isTooShort ? `, and --max-ttl allows ${formatDuration(maxTtl)}` : ''}.`,
      advice: `Give leases a TTL of ${formatDuration(shortest)} or more, and hold them for longer work; or place nodes so that ${quorum} of them are near the clients.`,
    },
  ];
};

/** The median; the lower of two, as the proposer of tokens takes it. */
function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

export const QUORUM_CHECKS: readonly QuorumCheck[] = [
  twins,
  clocks,
  number,
  distance,
  majorityAway,
  neighbours,
];
