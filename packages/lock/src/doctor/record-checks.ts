/**
 * The checks of the deployment records: whether a node may vote, and if not, for how long and why. Pure functions over
 * facts; the rules are those of admission.lua in @holdfast/lock.
 */
import { formatDuration } from '@holdfast/kernel';
import type { DeploymentFacts, NodeFacts } from './facts.js';
import type { Finding, NodeFinding, ServerCheck } from './findings.js';
import { asFlags, differences, readParameters } from './parameters.js';

const NOT_INIT =
  'Do not run "holdfast init" for it: a client may hold a lease that it has forgotten, and it votes again without your help.';

const record: ServerCheck = (node, deployment) => {
  if (node.record === undefined) return unreadable(node);
  // A missing record is judged with the others, below; that of a replica is its master's.
  if (node.record === 'none' || node.server === undefined || node.server.role === 'slave') return undefined;
  const { parameters, also, server, votesIn } = node.record;
  if (parameters === 'retired') return retired;
  if (parameters !== deployment.parameters && also !== deployment.parameters)
    return misfit(parameters, deployment);
  const { runId, replicationId } = node.server;
  // If persistence is synchronous, another server forgets nothing, and the first vote renews the record.
  const forgets = readParameters(parameters).get('persistence') !== 'synchronous';
  if (forgets && server !== `${runId}:${replicationId}`) {
    const what = server.startsWith(`${runId}:`)
      ? 'It has taken over from another server, or its first replica has joined'
      : 'It has restarted, or another server has taken its place';
    return {
      severity: 'warning',
      check: 'quarantine',
      stopsVotes: true,
      message: `${what}, and nobody has asked for its vote since. From the first request on it waits for ${formatDuration(deployment.quarantine)} before it votes, because it may have forgotten leases.`,
      advice: `Use the deployment, and wait. ${NOT_INIT}`,
    };
  }
  if (votesIn <= 0) return undefined;
  return {
    severity: 'warning',
    check: 'quarantine',
    stopsVotes: true,
    message: `It is in quarantine for another ${formatDuration(roundedUp(votesIn))}: it is new, or may have forgotten leases, and votes on nothing until they have run out.`,
    advice: `Wait. ${NOT_INIT}`,
  };
};

const retired: NodeFinding = {
  severity: 'error',
  check: 'record',
  stopsVotes: true,
  message: 'It was removed from the deployment by "holdfast nodes remove", and votes for nobody.',
  advice: 'Take it out of the nodes of every client, and stop its server.',
};

/** Another number of nodes is accepted too: somebody has begun a change, and not ended it. */
const changing: ServerCheck = ({ record: found }) => {
  if (found === undefined || found === 'none' || found.also === undefined) return undefined;
  const numbers = [found.parameters, found.also].map((text) => readParameters(text).get('nodes'));
  return {
    severity: 'note',
    check: 'record',
    message: `The number of nodes is being changed: it accepts clients with ${numbers.join(' and with ')} nodes.`,
    advice: `When every client has the list with ${numbers[1]}, run "holdfast nodes commit" with it.`,
  };
};

/** Rounded up, so that a wait is never reported as shorter than it is. */
const roundedUp = (milliseconds: number): number => Math.ceil(milliseconds / 100) * 100;

/** If the user lacks the right, or the node is not a server of its own, that has already been reported. */
function unreadable({ trouble, recordRefused = '' }: NodeFacts): NodeFinding | undefined {
  if (trouble || /^(NOPERM|MOVED|CLUSTERDOWN)/.test(recordRefused)) return undefined;
  return {
    severity: 'error',
    check: 'record',
    stopsVotes: true,
    message: `Its deployment record cannot be read: ${recordRefused}.`,
    advice: 'Look at the server: every vote begins with that.',
  };
}

function misfit(recorded: string, { name, parameters }: DeploymentFacts): NodeFinding {
  const found = differences(recorded, parameters);
  const words = found.map(
    ({ name: parameter, recorded: there, ours }) =>
      `${parameter} is ${there ?? 'absent'} there, and ${ours ?? 'absent'} here`,
  );
  const flags = asFlags(found);
  const nodes = found.some((difference) => difference.name === 'nodes')
    ? 'name all nodes of the deployment'
    : '';
  const layout = found.find((difference) => difference.name === 'layout');
  if (Number(layout?.recorded ?? 0) > Number(layout?.ours ?? 0)) {
    return {
      severity: 'error',
      check: 'record',
      stopsVotes: true,
      message: `Its deployment record has layout ${layout?.recorded}, and this version of Holdfast knows layout ${layout?.ours}: it refuses this version.`,
      advice: 'Update Holdfast here to the version that the other clients run.',
    };
  }
  const same = [nodes, flags.length > 0 ? `say ${flags.join(' ')}` : ''].filter(Boolean).join(' and ');
  return {
    severity: 'error',
    check: 'record',
    stopsVotes: true,
    message: `Its deployment record differs from your options: ${words.join('; ')}. It refuses clients that differ.`,
    advice: `Describe the deployment "${name}" as all its clients do${same && `: ${same}`}. To change it, stop all clients and run "holdfast init --replace".`,
  };
}

const isolated: ServerCheck = ({ server }, { parameters }) => {
  const wanted = Number(readParameters(parameters).get('replicas'));
  if (!server || server.role === 'slave' || server.following >= wanted) return undefined;
  return {
    severity: 'error',
    check: 'replicas',
    stopsVotes: true,
    message: `It is isolated: ${server.following} of its replicas follow it closely, and --replicas asks for ${wanted}. It does not vote, because it may have been replaced without knowing it.`,
    advice: 'Start its replicas, or see why they do not keep up (INFO replication on it).',
  };
};

const failover: ServerCheck = ({ server, via }, { parameters }) => {
  const wanted = Number(readParameters(parameters).get('replicas'));
  if (!server || via === undefined || server.following < wanted) return undefined;
  if (wanted === 0) {
    return {
      severity: 'warning',
      check: 'replicas',
      message:
        'A replica may take over from this master while it still runs, cut off. Both may then grant the same lease, each to clients that still talk to it.',
      advice: 'Give all clients --replicas 1, with two replicas or more behind each master; and use guards.',
    };
  }
  if (server.following > wanted) return undefined;
  return {
    severity: 'warning',
    check: 'replicas',
    message: `Just as many replicas follow it as --replicas asks for, ${wanted}. If one of them fails, it stops voting.`,
    advice: 'Add a replica.',
  };
};

export const RECORD_CHECKS: readonly ServerCheck[] = [record, changing, isolated, failover];

/** Nodes without a record: if all lack it, the deployment is new, or was wiped; if some do, these have forgotten. */
export function missingRecords(
  nodes: readonly NodeFacts[],
  { quarantine, name }: DeploymentFacts,
): Finding[] {
  const answered = nodes.filter(
    ({ record: found, server }) => found !== undefined && server?.role !== 'slave',
  );
  const without = answered.filter(({ record: found }) => found === 'none');
  const wait = formatDuration(quarantine);
  const fresh = without.length === answered.length;
  return without.map(({ node }) => ({
    severity: 'warning',
    check: 'record',
    node,
    stopsVotes: true,
    message: fresh
      ? `It has no record of the deployment "${name}": it is new, or has forgotten everything. From the first request on it waits for ${wait} before it votes.`
      : `It has no record of the deployment "${name}", which other nodes have: it has lost its data, or was added. From the first request on it waits for ${wait} before it votes.`,
    advice: fresh
      ? `If you have just created all nodes, and no lease can exist, run "holdfast init". Otherwise use the deployment, and wait.`
      : `Use the deployment, and wait. ${NOT_INIT}`,
  }));
}

/** Records that contradict each other, which no option of a client can suit. */
export function contradictions(nodes: readonly NodeFacts[]): Finding[] {
  const groups = new Map<string, string[]>();
  const accepted: (readonly string[])[] = [];
  for (const { node, record: found } of nodes) {
    if (found === undefined || found === 'none' || found.parameters === 'retired') continue;
    accepted.push([found.parameters, ...(found.also === undefined ? [] : [found.also])]);
    groups.set(found.parameters, [...(groups.get(found.parameters) ?? []), node]);
  }
  const shared = accepted[0]?.some((parameters) => accepted.every((all) => all.includes(parameters)));
  if (groups.size < 2 || shared) return [];
  const lines = [...groups].map(([parameters, names]) => `${names.join(', ')}: ${parameters}`);
  return [
    {
      severity: 'error',
      check: 'record',
      message: `The nodes' deployment records contradict each other, so no client suits all. ${lines.join('; ')}.`,
      advice:
        'See whether nodes of two deployments were mixed. If not, stop all clients and run "holdfast init --replace" with the right parameters.',
    },
  ];
}
