/**
 * Listing the leases that are held, from the keys of the nodes.
 *
 * Guarantees: reads only. A lease that was held from before the call until its end is listed: a majority of nodes has its
 * key, and so many nodes are looked through that one of them is among these. What was taken or given back meanwhile may be
 * listed or not. A node is asked for some keys at a time, so that it answers others in between.
 */
import { type Readers, text, UnavailableError, whole, withDefault } from '@holdfast/kernel';
import { type RedisNode, reasonOf } from '@holdfast/redis';
import type { LeaseKeys } from './deployment.js';
import { inspectLock, type LockState } from './inspect.js';
import type { Members } from './members.js';
import { forbidden } from './rights.js';
import type { LeaseKind } from './telemetry.js';

export interface ListOptions {
  /** How their names begin. Default: any name. */
  readonly prefix?: string;
  /** The most that are listed. Default 100; at most 1000. */
  readonly limit?: number;
}

export interface ListedLock extends Omit<LockState, 'nodes'> {
  readonly kind: LeaseKind;
}

export interface LockList {
  /** Of a permit, the resource is "<semaphore>#<number>". */
  readonly locks: readonly ListedLock[];
  /** Whether there may be others: there are more than `limit`, or a node has more keys than were looked at. */
  readonly more: boolean;
}

export const LIST = {
  prefix: withDefault(text('the beginning of names'), ''),
  limit: withDefault(whole(1, 1_000), 100),
} satisfies Readers<ListOptions>;

/** How many keys a node is asked for at a time, and how often. */
const COUNT = 1_000;
const MOST_CALLS = 100;

/** A lease that some node has. */
interface Found {
  readonly resource: string;
  readonly keys: LeaseKeys;
  readonly isPermit: boolean;
}

interface Wanted {
  readonly prefix: string;
  readonly limit: number;
}

export async function listLocks(members: Members, timeout: number, wanted: Wanted): Promise<LockList> {
  const { quorum } = members.deployment;
  const results = await Promise.allSettled(members.nodes.map((node) => scan(node, members, timeout)));
  const failed = results.flatMap((result, index) => {
    const node = members.nodes[index]?.address ?? '';
    return result.status === 'rejected' ? [{ node, reason: reasonOf(result.reason) }] : [];
  });
  if (failed.length >= quorum) {
    throw (
      forbidden(failed, 1) ?? new UnavailableError('Too few nodes let their keys be looked through.', failed)
    );
  }
  const scans = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  const all = [...new Set(scans.flatMap(({ keys }) => keys))]
    .flatMap((key) => foundAt(key, members))
    .filter(({ resource }) => resource.startsWith(wanted.prefix))
    .sort((a, b) => (a.resource < b.resource ? -1 : 1));
  const chosen = all.slice(0, wanted.limit);
  const states = await Promise.all(chosen.map((one) => look(members, timeout, one)));
  return {
    locks: states.filter(({ held, certain }) => held || !certain),
    more: all.length > chosen.length || scans.some(({ isWhole }) => !isWhole),
  };
}

async function scan(
  node: RedisNode,
  { deployment: { root } }: Members,
  timeout: number,
): Promise<{ readonly keys: readonly string[]; readonly isWhole: boolean }> {
  const keys: string[] = [];
  const pattern = `${root.replaceAll(/[\\*?[\]^-]/g, '\\$&')}*lock:*`;
  let cursor = '0';
  for (let calls = 0; calls < MOST_CALLS; calls += 1) {
    const some = await node.scan(cursor, pattern, { count: COUNT, timeout });
    keys.push(...some.keys);
    ({ cursor } = some);
    if (cursor === '0') return { keys, isWhole: true };
  }
  return { keys, isWhole: false };
}

/** The lease whose lock has this key; none if it is another's. */
function foundAt(key: string, { deployment }: Members): Found[] {
  const name = key.slice(deployment.root.length);
  if (name.startsWith('lock:')) {
    const resource = name.slice('lock:'.length);
    // The name of which no lease can be: nodes are looked at by it.
    return resource === '' ? [] : [{ resource, keys: deployment.lockKeys(resource), isPermit: false }];
  }
  const [, slot, semaphore] = /^slot-lock:(\d+):(.+)$/s.exec(name) ?? [];
  if (slot === undefined || semaphore === undefined) return [];
  const keys = deployment.slotKeys(semaphore, Number(slot));
  return [{ resource: `${semaphore}#${slot}`, keys, isPermit: true }];
}

async function look(
  members: Members,
  timeout: number,
  { resource, keys, isPermit }: Found,
): Promise<ListedLock> {
  const { nodes: _, ...state } = await inspectLock(members, timeout, resource, keys);
  return { ...state, kind: isPermit ? 'permit' : state.readers ? 'shared' : 'exclusive' };
}
