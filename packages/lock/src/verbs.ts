/**
 * The voting scripts as values: what each takes, how its reply reads. One Lua file a verb, beside this folder.
 *
 * Guarantees: a reply that is not the script's own throws, and so counts as no answer. Who answered is noted on the
 * node from the same reply, so a server that took another's place is known before its vote is counted.
 */
import {
  type Operation,
  type RedisNode,
  type Reply,
  Script,
  ScriptLibrary,
  type Verb,
} from '@holdfast/redis';
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
  readonly queueKey: string;
  /** "token owner": what the lock's key holds. */
  readonly value: string;
  /** Milliseconds. */
  readonly ttl: string;
  /** rejoin only: node time in microseconds up to which a kept majority is proof; "0" to resume. */
  readonly proof: string;
  /** claim only: for how long the owner has been waiting, in microseconds. */
  readonly waited: string;
  /** release only: whether the owner has stood in the queue. */
  readonly queued: boolean;
}

export type LockVerb = Verb<Ballot, Vote>;

export interface LockVerbs {
  readonly acquire: LockVerb;
  readonly claim: LockVerb;
  readonly extend: LockVerb;
  readonly rejoin: LockVerb;
  readonly release: LockVerb;
  readonly withdraw: LockVerb;
}

const lua = (name: string): URL => new URL(`../lua/${name}.lua`, import.meta.url);

export const inspectScript: Script = new Script([lua('inspect')]);
export const initializeScript: Script = new Script([lua('initialize')]);

/** The voting scripts of one deployment, whose constants they open with. */
export function lockVerbs(deployment: Deployment): LockVerbs {
  const admission = lua('admission');
  const queue = lua('queue');
  const { scripts } = new ScriptLibrary(deployment.prelude, {
    acquire: [admission, lua('acquire')],
    claim: [admission, queue, lua('claim')],
    extend: [admission, lua('extend')],
    rejoin: [admission, lua('rejoin')],
    release: [queue, lua('release')],
    withdraw: [lua('withdraw')],
  });
  const verb = (name: keyof LockVerbs) => ({
    script: scripts.get(name) as Script,
    keys: [deployment.recordKey],
  });
  return {
    acquire: { ...verb('acquire'), encode: encodeVote, decode: decodeVotes },
    claim: { ...verb('claim'), encode: encodeClaim, decode: decodeVotes },
    extend: { ...verb('extend'), encode: encodeVote, decode: decodeVotes },
    rejoin: { ...verb('rejoin'), encode: encodeRejoin, decode: decodeVotes },
    release: { ...verb('release'), keys: [], encode: encodeRelease, decode: decodeReleases },
    withdraw: { ...verb('withdraw'), keys: [], encode: encodeWithdraw, decode: decodeReleases },
  };
}

function encodeVote({ request }: Ballot, keys: string[], args: string[]): void {
  keys.push(request.lockKey, request.fenceKey);
  args.push(request.value, request.ttl);
}

function encodeClaim({ request }: Ballot, keys: string[], args: string[]): void {
  keys.push(request.lockKey, request.fenceKey, request.queueKey);
  args.push(request.value, request.ttl, request.waited);
}

function encodeRejoin(ballot: Ballot, keys: string[], args: string[]): void {
  encodeVote(ballot, keys, args);
  args.push(ballot.request.proof);
}

function encodeRelease({ request }: Ballot, keys: string[], args: string[]): void {
  keys.push(request.lockKey, request.queueKey);
  args.push(request.value, request.queued ? '1' : '');
}

function encodeWithdraw({ request }: Ballot, keys: string[], args: string[]): void {
  keys.push(request.lockKey);
  args.push(request.value);
}

const PLAIN: ReadonlyMap<string, Vote> = new Map(
  (['granted', 'kept', 'rejoined', 'vouched', 'forgotten'] as const).map((kind) => [kind, { kind }]),
);

/** Reads 'voted <run_id> <vote> ...' or a refusal of the whole batch. */
function decodeVotes(reply: Reply, ballots: readonly Ballot[]): readonly Vote[] {
  const [word, runId, ...details] = String(reply).split(' ');
  const first = ballots[0];
  if (first && runId !== undefined) first.node.runId = runId;
  if (word === 'voted' && details.length === ballots.length) return details.map(decodeVote);
  if (word === 'quarantined')
    return ballots.map(() => ({ kind: 'quarantined', remaining: Number(details[0]) }));
  if (word === 'misfit') return ballots.map(() => ({ kind: 'misfit', parameters: details.join(' ') }));
  throw new Error(`the reply "${String(reply)}" is not one of the script`);
}

function decodeVote(text: string): Vote {
  const plain = PLAIN.get(text);
  if (plain) return plain;
  const [word, value, remaining, place] = text.split(':');
  if (word === 'held') {
    return {
      kind: 'held',
      token: Number(value),
      remaining: remaining === undefined ? undefined : Number(remaining),
      first: place === 'first',
    };
  }
  if (word === 'stale') return { kind: 'stale', fence: Number(value) };
  if (word === 'window') return { kind: 'window', time: Number(value) };
  throw new Error(`"${text}" is not a vote`);
}

const RELEASED: Vote = { kind: 'released' };

function decodeReleases(reply: Reply, ballots: readonly Ballot[]): readonly Vote[] {
  if (reply !== 'released' && reply !== 'withdrawn')
    throw new Error(`the reply "${String(reply)}" is not one of the script`);
  return ballots.map(() => RELEASED);
}
