/**
 * The voting scripts as values: what each takes, how its reply reads. One Lua file a verb, beside this folder.
 *
 * Guarantees: a reply that is not the script's own throws, and so counts as no answer. Who answered is noted on the
 * node from the same reply, so a server that took another's place is known before its vote is counted.
 */
import { type Operation, type RedisNode, type Reply, Script, type Verb } from '@holdfast/redis';
import type { Deployment } from './deployment.js';
import type { Vote } from './votes.js';

/** One operation on one node: a proposal, an extension, a release. */
export interface Ballot extends Operation<Vote> {
  readonly node: RedisNode;
  readonly request: LockRequest;
}

/** What a lease asks of every node. */
export interface LockRequest {
  readonly lockKey: string;
  readonly fenceKey: string;
  /** "token owner": what the lock's key holds. */
  readonly value: string;
  /** Milliseconds. */
  readonly ttl: string;
  /** rejoin only: node time in microseconds up to which a kept majority is proof; "0" to resume. */
  readonly proof: string;
}

export type LockVerb = Verb<Ballot, Vote>;

export interface LockVerbs {
  readonly acquire: LockVerb;
  readonly extend: LockVerb;
  readonly rejoin: LockVerb;
  readonly release: LockVerb;
}

const lua = (name: string): URL => new URL(`../lua/${name}.lua`, import.meta.url);

export const inspectScript: Script = new Script(lua('inspect'));
export const initializeScript: Script = new Script(lua('initialize'));
const releaseScript = new Script(lua('release'));

/** The voting scripts of one deployment, whose constants they open with. */
export function lockVerbs(deployment: Deployment): LockVerbs {
  const voting = (name: string) => ({
    script: new Script(deployment.constants, lua('admission'), lua(name)),
    keys: [deployment.recordKey],
    decode: decodeVotes,
  });
  return {
    acquire: { ...voting('acquire'), encode: encodeVote },
    extend: { ...voting('extend'), encode: encodeVote },
    rejoin: { ...voting('rejoin'), encode: encodeRejoin },
    release: { script: releaseScript, keys: [], encode: encodeRelease, decode: decodeReleases },
  };
}

function encodeVote({ request }: Ballot, keys: string[], args: string[]): void {
  keys.push(request.lockKey, request.fenceKey);
  args.push(request.value, request.ttl);
}

function encodeRejoin(ballot: Ballot, keys: string[], args: string[]): void {
  encodeVote(ballot, keys, args);
  args.push(ballot.request.proof);
}

function encodeRelease({ request }: Ballot, keys: string[], args: string[]): void {
  keys.push(request.lockKey);
  args.push(request.value);
}

const PLAIN: ReadonlyMap<Reply, Vote> = new Map(
  (['granted', 'kept', 'rejoined', 'vouched', 'forgotten'] as const).map((kind) => [kind, { kind }]),
);

/** Reads {'voted', run_id, now, vote...} or a refusal of the whole batch. */
function decodeVotes(reply: Reply, ballots: readonly Ballot[]): readonly Vote[] {
  if (!Array.isArray(reply)) throw new Error('the reply is not an array');
  const [word, runId, , detail] = reply;
  const first = ballots[0];
  if (first && typeof runId === 'string') first.node.runId = runId;
  if (word === 'voted' && reply.length === ballots.length + 3) {
    return ballots.map((_, index) => decodeVote(reply[index + 3]));
  }
  if (word === 'quarantined') return ballots.map(() => ({ kind: 'quarantined', remaining: Number(detail) }));
  if (word === 'misfit') return ballots.map(() => ({ kind: 'misfit', parameters: String(detail) }));
  throw new Error(`the reply "${String(word)}" with ${reply.length} items is not one of the script`);
}

function decodeVote(item: Reply): Vote {
  if (!Array.isArray(item)) throw new Error('a vote is not an array');
  const [word, value, remaining] = item;
  const plain = PLAIN.get(word);
  if (plain) return plain;
  const number = Number(value);
  if (word === 'held') {
    return { kind: 'held', token: number, remaining: typeof remaining === 'number' ? remaining : undefined };
  }
  if (word === 'stale') return { kind: 'stale', fence: number };
  if (word === 'window') return { kind: 'window', time: number };
  throw new Error(`"${String(word)}" is not a vote`);
}

/** Reads {'voted', vote...}; it makes no difference to anybody whether the lock was still there. */
function decodeReleases(reply: Reply, ballots: readonly Ballot[]): readonly Vote[] {
  if (!Array.isArray(reply) || reply[0] !== 'voted' || reply.length !== ballots.length + 1) {
    throw new Error('the reply is not one of the script');
  }
  return ballots.map(() => ({ kind: 'kept' }));
}
