/**
 * Looking at a lock without touching it: who holds it, under which token, and what each node says.
 *
 * Guarantees: reads only. A node that does not answer in time is reported, never waited for.
 */
import { type RedisNode, type Reply, reasonOf } from '@holdfast/redis';
import type { Deployment, LeaseKeys } from './deployment.js';
import type { Members } from './members.js';
import { inspectScript } from './verbs.js';
import { describeMisfit } from './votes.js';

export interface NodeState {
  /** `host:port` or a socket path. */
  readonly node: string;
  /** "unadmitted": the node has no deployment record for the server that runs there, and would begin a quarantine. */
  readonly state: 'voting' | 'quarantined' | 'unadmitted' | 'misfit' | 'unreachable';
  /** Why, in words, when the state is not "voting". */
  readonly reason?: string;
  readonly runId?: string;
  /** Milliseconds until a quarantined node votes; for a voting node 0 or less: how long it has been voting, negated. */
  readonly votesIn?: number | undefined;
  /** The owner of the lock on this node. */
  readonly owner?: string;
  readonly token?: number;
  /** Milliseconds until the lock expires on this node. */
  readonly remaining?: number;
  /** The highest token that this node remembers having granted. */
  readonly fence?: number;
  /** The owners of shared leases on this node; there is no `owner` then. */
  readonly readers?: readonly string[];
  /** How many processes wait in this node's queue. */
  readonly waiting?: number;
}

export interface LockState {
  readonly resource: string;
  /** Whether a majority of the nodes has the lock under one owner and token. */
  readonly held: boolean;
  /** Whether `held` is certain: false when nodes that did not answer could make the difference. */
  readonly certain: boolean;
  readonly owner?: string;
  /** The owners that share the lease, if it is shared; there is no `owner` then. */
  readonly readers?: readonly string[];
  readonly token?: number;
  /** Milliseconds for which a majority will keep the lock if nobody extends it. */
  readonly remaining?: number;
  /** The highest token that any node remembers. */
  readonly fence?: number;
  /** How many processes wait for it, by the node with the longest queue; a process counts once. */
  readonly waiting: number;
  readonly nodes: readonly NodeState[];
}

/** Reads a resource on every node, or whatever has the given keys and goes by this name. */
export async function inspectLock(
  members: Members,
  timeout: number,
  resource: string,
  { lockKey, fenceKey, queueKey, readersKey }: LeaseKeys = members.deployment.lockKeys(resource),
): Promise<LockState> {
  const keys = [lockKey, fenceKey, queueKey, readersKey];
  return (await inspectKeys(members, timeout, resource, keys)).state;
}

/** The same for a slot of a semaphore; and how many permits each node knows the semaphore to have, 0 if it does not. */
export async function inspectSlot(
  ...[members, timeout, resource, keys]: [Members, number, string, LeaseKeys & { permitsKey: string }]
): Promise<{ readonly state: LockState; readonly permits: readonly number[] }> {
  const { lockKey, fenceKey, queueKey, readersKey, permitsKey } = keys;
  return inspectKeys(members, timeout, resource, [lockKey, fenceKey, queueKey, readersKey, permitsKey]);
}

async function inspectKeys(
  ...[members, timeout, resource, inspected]: [Members, number, string, readonly string[]]
): Promise<{ readonly state: LockState; readonly permits: readonly number[] }> {
  const { deployment } = members;
  const keys = [deployment.recordKey, ...inspected];
  const permits: number[] = [];
  const read = async (node: RedisNode): Promise<NodeState> => {
    const reply = await node.run(inspectScript, keys, [deployment.parameters], timeout);
    permits.push((Array.isArray(reply) && Number(reply[10])) || 0);
    return decodeInspect(node, reply, deployment);
  };
  const nodes = await Promise.all(
    members.nodes.map((node) => read(node).catch((error: unknown) => unreachable(node, error))),
  );
  const fences = nodes.flatMap(({ fence }) => fence ?? []);
  const state = {
    resource,
    ...holderOf(nodes, deployment.quorum),
    ...(fences.length > 0 && { fence: Math.max(...fences) }),
    waiting: Math.max(0, ...nodes.map(({ waiting }) => waiting ?? 0)),
    nodes,
  };
  return { state, permits };
}

function unreachable(node: RedisNode, error: unknown): NodeState {
  return { node: node.address, state: 'unreachable', reason: reasonOf(error) };
}

function decodeInspect(node: RedisNode, reply: Reply, { parameters }: Deployment): NodeState {
  if (!Array.isArray(reply) || reply[0] !== 'seen') throw new Error('the reply is not one of the script');
  const [, runId, , state, detail, value, remaining, fence, waiting, readers] = reply.map(String);
  const reasons: Readonly<Record<string, string>> = {
    quarantined: `votes again in ${detail} ms`,
    unadmitted: 'has no deployment record of this server; the first vote starts a quarantine',
    misfit: describeMisfit(detail ?? '', parameters),
  };
  const reason = reasons[state ?? ''];
  const [token, ...owner] = (value ?? '').split(' ');
  const held = token !== '' && token !== '0'; // under 0 it is reserved, for a moment, for the longest waiter
  return {
    node: node.address,
    state: state as NodeState['state'],
    ...(reason !== undefined && { reason }),
    runId: runId ?? '',
    ...(state === 'quarantined' && { votesIn: Number(detail) }),
    ...(state === 'voting' && { votesIn: -Number(detail) }),
    ...(held && {
      ...holding(owner.join(' '), readers ?? ''),
      token: Number(token),
      remaining: Number(remaining),
    }),
    ...(fence && { fence: Number.parseInt(fence, 10) }),
    waiting: Number(waiting),
  };
}

/** A lock that is shared names no owner; its readers are kept beside it. */
function holding(owner: string, readers: string): Pick<NodeState, 'owner' | 'readers'> {
  return owner === '*' ? { readers: readers.split('\n').filter(Boolean) } : { owner };
}

/** The holder that a majority names, if there is one. */
function holderOf(
  nodes: readonly NodeState[],
  quorum: number,
): Pick<LockState, 'held' | 'certain' | 'owner' | 'readers' | 'token' | 'remaining'> {
  const groups = new Map<string, NodeState[]>();
  for (const node of nodes) {
    if (node.token === undefined) continue;
    const key = `${node.token} ${node.owner ?? '*'}`;
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  for (const group of groups.values()) {
    const [first] = group;
    if (group.length < quorum || first?.token === undefined) continue;
    const latest = group.map(({ remaining }) => remaining ?? 0).sort((a, b) => b - a);
    return {
      held: true,
      certain: true,
      ...(first.owner === undefined
        ? { readers: [...new Set(group.flatMap(({ readers }) => readers ?? []))] }
        : { owner: first.owner }),
      token: first.token,
      remaining: latest[quorum - 1] ?? 0,
    };
  }
  const silent = nodes.filter(({ state }) => state === 'unreachable').length;
  const largest = Math.max(0, ...[...groups.values()].map((group) => group.length));
  return { held: false, certain: largest + silent < quorum };
}
