/**
 * The checks of one server, independent of the others. Pure functions over facts.
 */
import { formatDuration } from '@holdfast/kernel';
import type { NodeFacts, ServerFacts, Trouble } from './facts.js';
import type { NodeFinding, ServerCheck } from './findings.js';
import { readParameters } from './parameters.js';
import { rights } from './rights-check.js';

/** The oldest version with the commands of the scripts, and the oldest with functions. */
const OLDEST = [6, 2] as const;
const WITH_FUNCTIONS = [7, 0] as const;
/** The part of a limit from which it counts as near. */
const NEAR = 0.85;

const reach: ServerCheck = ({ trouble }, { callTimeout }) =>
  trouble && {
    severity: 'error',
    check: 'reach',
    stopsVotes: true,
    ...TROUBLES[trouble.kind](trouble.reason, callTimeout),
  };

const TROUBLES: Readonly<
  Record<Trouble['kind'], (reason: string, timeout: number) => Pick<NodeFinding, 'message' | 'advice'>>
> = {
  away: (reason) => ({
    message: `It cannot be reached: ${withoutOpening(reason)}.`,
    advice:
      'Start the server (or the sentinels or cluster nodes that lead to it), or correct the address; check firewalls and its "bind" and "protected-mode".',
  }),
  login: (reason) => ({
    message: `It refuses the login: ${withoutOpening(reason)}.`,
    advice:
      'Correct user and password in the address (redis://user:password@host:port), or the user on the server with ACL SETUSER. Special characters in a password are percent-encoded.',
  }),
  silent: (reason, timeout) => ({
    message: `It accepts connections, or seems to, but does not answer: ${withoutOpening(reason)}.`,
    advice: `See whether its process is stopped, swapped out or overloaded. If it is only far away, raise --call-timeout above ${formatDuration(timeout)}.`,
  }),
  busy: () => ({
    message: 'It is busy with a script that does not end, and answers nothing else.',
    advice: 'End the script with SCRIPT KILL (or FUNCTION KILL), and find out whose it is.',
  }),
  loading: (reason) => ({
    message: `It is loading its data from disk, and answers nothing until that is done: ${reason}.`,
    advice: 'Wait, and ask again.',
  }),
};

const withoutOpening = (reason: string): string => reason.replace(/^not connected: /, '').replace(/\.$/, '');

const cluster: ServerCheck = ({ server, via, recordRefused = '' }) => {
  if (!server?.inCluster || via === 'cluster') return undefined;
  const elsewhere = /^(MOVED|CLUSTERDOWN)/.test(recordRefused);
  return {
    severity: elsewhere ? 'error' : 'warning',
    check: 'cluster',
    ...(elsewhere && { stopsVotes: true }),
    message: `It is a member of a Redis Cluster${elsewhere ? ` that does not serve the deployment's keys (${recordRefused})` : ''}.`,
    advice: 'Name the cluster instead of its member: redis-cluster://host:port,host:port.',
  };
};

const version: ServerCheck = ({ server, functions }) => {
  if (!server || server.version === '') return undefined;
  if (isOlder(server.version, OLDEST)) {
    return {
      severity: 'error',
      check: 'version',
      stopsVotes: true,
      message: `It runs Redis ${server.version}, which lacks commands that the votes use.`,
      advice: 'Upgrade to Redis 7.0 or later; 6.2 is the least.',
    };
  }
  if (functions !== false && !isOlder(server.version, WITH_FUNCTIONS)) return undefined;
  return {
    severity: 'warning',
    check: 'version',
    message: `It has no Redis Functions (version ${server.version}). Votes run as scripts there, which is slower.`,
    advice:
      'Upgrade to Redis 7.0, with which Holdfast is tested; or allow FCALL and FUNCTION if they were renamed.',
  };
};

function isOlder(found: string, [major, minor]: readonly [number, number]): boolean {
  const [first = 0, second = 0] = found.split('.').map(Number);
  return first < major || (first === major && second < minor);
}

const role: ServerCheck = ({ server }) =>
  server?.role === 'slave'
    ? {
        severity: 'error',
        check: 'role',
        stopsVotes: true,
        message: `It is a replica of ${server.master ?? 'another server'}, and a replica takes no writes, so it cannot vote.`,
        advice:
          'Nodes are independent servers. Name a server of its own; or, where Sentinel changes the roles, redis-sentinel://host:port,…?master=name.',
      }
    : undefined;

const eviction: ServerCheck = ({ server }) => {
  if (!server || server.evictionPolicy === '' || server.evictionPolicy === 'noeviction') return undefined;
  const limited = server.maxMemory > 0;
  return {
    severity: limited ? 'error' : 'note',
    check: 'eviction',
    message: limited
      ? `Its maxmemory-policy is ${server.evictionPolicy}: when memory runs short it drops keys, locks and fences among them, and two holders may have one lease.`
      : `Its maxmemory-policy is ${server.evictionPolicy}. Without a maxmemory nothing is dropped; with one, locks and fences would be.`,
    advice: 'CONFIG SET maxmemory-policy noeviction, and the same in redis.conf.',
  };
};

const memory: ServerCheck = ({ server }) => {
  if (!server || server.maxMemory === 0 || server.evictionPolicy !== 'noeviction') return undefined;
  const used = server.usedMemory / server.maxMemory;
  if (used < NEAR) return undefined;
  const full = used >= 1;
  return {
    severity: full ? 'error' : 'warning',
    check: 'memory',
    ...(full && { stopsVotes: true }),
    message: `It uses ${Math.floor(used * 100)} % of its maxmemory. ${full ? 'It refuses all writes, and so every vote.' : 'When it is full it refuses every vote.'}`,
    advice: 'Raise maxmemory, or remove other data: nodes are best used for Holdfast alone.',
  };
};

const clients: ServerCheck = ({ server }) => {
  if (!server?.maxClients || server.clients < server.maxClients * NEAR) return undefined;
  return {
    severity: 'warning',
    check: 'clients',
    message: `It has ${server.clients} of at most ${server.maxClients} connections. Beyond that it rejects clients.`,
    advice:
      'Raise maxclients, or find out which clients hold so many. A process that waits for a lease has two.',
  };
};

/** Conditions under which Redis refuses to write. */
const writes: ServerCheck = ({ server, config }) => {
  if (!server) return undefined;
  const reason = refusesWrites(server, config);
  return reason === undefined
    ? undefined
    : {
        severity: 'error',
        check: 'writes',
        stopsVotes: true,
        message: `It refuses all writes, and so every vote: ${reason}.`,
        advice: 'Mend that on the server; its log says more.',
      };
};

function refusesWrites(server: ServerFacts, config: NodeFacts['config']): string | undefined {
  if (server.appendOnly && server.lastAppendFailed) return 'its append-only file could not be written';
  if (!config) return undefined;
  const { save, stopsWritesWhenSaveFails, minReplicasToWrite } = config;
  if (server.lastSaveFailed && save !== '' && stopsWritesWhenSaveFails) return 'its last snapshot failed';
  const { goodReplicas } = server;
  if (goodReplicas !== undefined && goodReplicas < minReplicasToWrite) {
    return `min-replicas-to-write is ${minReplicasToWrite}, and ${goodReplicas} keep up`;
  }
  return undefined;
}

const persistence: ServerCheck = ({ server, config, via }, { parameters, quarantine }) => {
  if (!server) return undefined;
  const declared = readParameters(parameters);
  if (declared.get('persistence') === 'synchronous') return synchronous(server, config);
  if (!config) return undefined;
  const always = server.appendOnly && config.appendFsync === 'always';
  const keeps = always
    ? 'It writes everything to disk at once, but the deployment does not declare that'
    : server.appendOnly || config.save !== ''
      ? 'Its data on disk may lag behind, so the locks do not rely on them'
      : 'It keeps its data in memory only';
  const alone = declared.get('nodes') === '1';
  const failsOver = via !== undefined;
  const consequence = failsOver
    ? 'Leases stay correct. A failover costs the same wait.'
    : alone
      ? 'There is no other node, so nobody gets or extends a lease meanwhile.'
      : 'Leases stay correct, and the other nodes go on.';
  const spare =
    " Where every node runs with appendonly yes and appendfsync always, and nothing takes a node's place, --persistence synchronous spares the wait.";
  return {
    severity: alone && !failsOver ? 'warning' : 'note',
    check: 'persistence',
    message: `${keeps}: after a restart it votes on nothing for ${formatDuration(quarantine)}, until all that it may have forgotten has run out. ${consequence}`,
    advice: `${alone && !failsOver ? 'Use three nodes or more.' : 'Nothing needs to be done.'}${failsOver ? '' : spare}`,
  };
};

function synchronous(server: ServerFacts, config: NodeFacts['config']): NodeFinding | undefined {
  if (!server.appendOnly || (config && config.appendFsync !== 'always')) {
    return {
      severity: 'error',
      check: 'persistence',
      message:
        'The deployment says --persistence synchronous, but this server does not run with appendonly yes and appendfsync always. After a crash it votes at once, without leases that it has lost, and two holders may have one lease.',
      advice: 'CONFIG SET appendonly yes and CONFIG SET appendfsync always, and the same in redis.conf.',
    };
  }
  if (server.replicas === 0) return config ? undefined : UNCHECKED;
  return {
    severity: 'warning',
    check: 'persistence',
    message: `The deployment says --persistence synchronous, and this server has ${server.replicas === 1 ? 'a replica' : `${server.replicas} replicas`}. A replica that took its place would lack the last leases.`,
    advice:
      'Make sure that no replica is ever promoted, or use --replicas instead of --persistence synchronous.',
  };
}

const UNCHECKED: NodeFinding = {
  severity: 'note',
  check: 'persistence',
  message:
    'The deployment says --persistence synchronous. Whether this server runs with appendfsync always could not be checked: the Redis user may not ask for CONFIG GET.',
  advice: 'Look at its redis.conf; or let the user have +config|get.',
};

const slow: ServerCheck = ({ slowest }, { callTimeout }) =>
  slowest && slowest.took >= callTimeout / 2
    ? {
        severity: 'warning',
        check: 'slow',
        message: `${slowest.command} took it ${formatDuration(slowest.took)}, ${formatDuration(roundedToSeconds(slowest.ago))} ago. Nobody else is answered meanwhile; a vote may take ${formatDuration(callTimeout)}.`,
        advice: 'SLOWLOG GET shows the command. Nodes are best used for Holdfast alone.',
      }
    : undefined;

const roundedToSeconds = (milliseconds: number): number => Math.round(milliseconds / 1000) * 1000;

/** In the order in which they matter. */
export const SERVER_CHECKS: readonly ServerCheck[] = [
  reach,
  cluster,
  role,
  version,
  rights,
  eviction,
  memory,
  writes,
  slow,
  clients,
  persistence,
];
