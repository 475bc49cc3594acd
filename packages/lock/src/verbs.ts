/**
 * The voting scripts as values: the request that each takes, and how its reply is read. There is one Lua file for each
 * verb, beside this folder.
 *
 * Guarantees: a reply that is not the script's own throws, and so counts as no answer. The same reply names the server
 * that answered, which is noted on the node; so a server that took another's place is known before its vote is counted.
 */
import {
  type RedisNode,
  type Reply,
  type Script,
  ScriptLibrary,
  SERVER_VARIABLES,
  scriptFrom,
} from '@holdfast/redis';
import type { Deployment } from './deployment.js';
import type {
  Ballot,
  ClaimRequest,
  LeaseVerbs,
  LockVerb,
  RejoinRequest,
  ReleaseRequest,
  TimedRequest,
  WithdrawRequest,
} from './requests.js';
import type { Vote } from './votes.js';

export interface LockVerbs {
  /** All scripts that these verbs run. */
  readonly scripts: readonly Script[];
  readonly exclusive: LeaseVerbs;
  readonly shared: LeaseVerbs;
  /** The verbs of one slot of a semaphore: an exclusive lease that is asked for in its own way. */
  readonly permit: LeaseVerbs;
  readonly survey: LockVerb<SurveyRequest>;
  readonly number: LockVerb<NumberRequest>;
  /** Ends an exclusive lease for good. */
  readonly retire: LockVerb<WithdrawRequest>;
}

interface SurveyRequest {
  /** The keys of the locks of all slots of a semaphore. */
  readonly lockKeys: readonly string[];
}

interface NumberRequest {
  readonly numberKey: string;
  /** "permits token" to be kept; "" only asks. */
  readonly value: string;
  /** The value that each node said it keeps: it is replaced only where it has not changed since. */
  readonly seen?: ReadonlyMap<RedisNode, NumberVote>;
}

export type NumberVote = Extract<Vote, { kind: 'number' }>;

const LUA = new URL('../lua/', import.meta.url);

export const inspectScript: Script = scriptFrom(LUA, 'inspect', SERVER_VARIABLES);
export const changeScript: Script = scriptFrom(LUA, 'change', SERVER_VARIABLES);
export const initializeScript: Script = scriptFrom(LUA, 'initialize', SERVER_VARIABLES);

/** Keyed by the constants that the scripts open with. A program has few deployments, and may make many locks. */
const known = new Map<string, LockVerbs>();

/** The voting scripts of one deployment. */
export function lockVerbs({ prelude, recordKey }: Deployment): LockVerbs {
  const verbs = known.get(prelude) ?? makeVerbs(prelude, recordKey);
  known.set(prelude, verbs);
  return verbs;
}

/** The scripts that free or keep a lock, and so also run when a node's memory is full. */
const WHEN_FULL = ['extend', 'rejoin', 'reenter', 'release', 'withdraw', 'reshare', 'unshare', 'retire'];

const VERBS = [
  'acquire',
  'claim',
  'extend',
  'rejoin',
  'reenter',
  'release',
  'withdraw',
  'permit',
  'survey',
  'number',
  'share',
  'reshare',
  'unshare',
  'retire',
];

function makeVerbs(prelude: string, recordKey: string): LockVerbs {
  const { scripts } = ScriptLibrary.from(LUA, VERBS, { prelude, allowOom: WHEN_FULL });
  const voting = (name: string) => ({
    script: scripts.get(name) as Script,
    keys: [recordKey],
    decode: decodeVotes,
  });
  const freeing = (name: string) => ({
    script: scripts.get(name) as Script,
    keys: [],
    decode: decodeReleases,
  });
  const exclusive: LeaseVerbs = {
    acquire: { ...voting('acquire'), encode: encodeAcquire },
    claim: { ...voting('claim'), encode: encodeClaim },
    extend: { ...voting('extend'), encode: encodeTimed },
    rejoin: { ...voting('rejoin'), encode: encodeRejoin },
    release: { ...freeing('release'), encode: encodeRelease },
    withdraw: { ...freeing('withdraw'), encode: encodeWithdraw },
  };
  const share = { ...voting('share'), encode: encodeShare };
  const permit = { ...voting('permit'), encode: encodePermit };
  return {
    scripts: [...scripts.values()],
    exclusive,
    permit: {
      ...exclusive,
      acquire: permit,
      claim: permit,
      rejoin: { ...voting('reenter'), encode: encodeReenter },
    },
    shared: {
      acquire: share,
      claim: share,
      extend: { ...voting('reshare'), encode: encodeReshare },
      rejoin: { ...voting('reshare'), encode: encodeReshare },
      release: { ...freeing('unshare'), encode: encodeUnshare },
      withdraw: { ...freeing('unshare'), encode: encodeWithdrawShared },
    },
    survey: { ...voting('survey'), encode: encodeSurvey },
    number: { ...voting('number'), encode: encodeNumber },
    retire: { ...voting('retire'), encode: encodeRetire },
  };
}

type Encode<Request> = (ballot: Ballot<Request>, keys: string[], args: string[]) => void;

const encodeTimed: Encode<TimedRequest> = ({ request: { target, ttl } }, keys, args) => {
  keys.push(target.keys.lockKey, target.keys.fenceKey);
  args.push(target.value, String(ttl));
};

/** The TTL once, and again only where it changes. */
const encodeAcquire: Encode<TimedRequest> = ({ request: { target, ttl } }, keys, args) => {
  keys.push(target.keys.lockKey, target.keys.fenceKey);
  const [ttls] = args;
  if (ttls === undefined) args.push(String(ttl));
  else if (ttls !== String(ttl) && !ttls.endsWith(`:${ttl}`)) args[0] = `${ttls} ${args.length}:${ttl}`;
  args.push(target.value);
};

/** With an empty time for an owner that does not wait. */
const encodeClaim: Encode<TimedRequest & Partial<ClaimRequest>> = (ballot, keys, args) => {
  const { target, waited } = ballot.request;
  encodeTimed(ballot, keys, args);
  keys.push(target.keys.queueKey);
  args.push(waited === undefined ? '' : String(Math.round(waited)));
};

const encodePermit: Encode<TimedRequest & Partial<ClaimRequest>> = (ballot, keys, args) => {
  const { numberKey = '', permits, introduce } = ballot.request.target.permit ?? {};
  encodeClaim(ballot, keys, args);
  keys.push(numberKey);
  args.push(String(permits), introduce ? '1' : '');
};

const encodeShare: Encode<TimedRequest & Partial<ClaimRequest>> = (ballot, keys, args) => {
  const { target } = ballot.request;
  encodeClaim(ballot, keys, args);
  keys.push(target.keys.readersKey);
  args.push(target.join ? '1' : '');
};

const encodeRejoin: Encode<RejoinRequest> = (ballot, keys, args) => {
  encodeTimed(ballot, keys, args);
  args.push(String(ballot.request.proof));
};

const encodeReenter: Encode<RejoinRequest> = (ballot, keys, args) => {
  encodeRejoin(ballot, keys, args);
  keys.push(ballot.request.target.permit?.numberKey ?? '');
};

const encodeReshare: Encode<TimedRequest & Partial<RejoinRequest>> = (ballot, keys, args) => {
  const { target, proof = '' } = ballot.request;
  encodeTimed(ballot, keys, args);
  keys.push(target.keys.readersKey);
  args.push(String(proof));
};

const encodeRelease: Encode<ReleaseRequest> = ({ request: { target, queued } }, keys, args) => {
  keys.push(target.keys.lockKey, target.keys.queueKey);
  args.push(queued ? `+${target.value}` : target.value);
};

const encodeWithdraw: Encode<WithdrawRequest> = ({ request: { target } }, keys, args) => {
  keys.push(target.keys.lockKey, target.keys.fenceKey);
  args.push(target.value);
};

const encodeRetire: Encode<WithdrawRequest> = ({ request: { target } }, keys, args) => {
  keys.push(target.keys.lockKey, target.keys.fenceKey, target.keys.queueKey);
  args.push(target.value);
};

const encodeUnshare: Encode<ReleaseRequest> = ({ request: { target, queued } }, keys, args) => {
  keys.push(target.keys.lockKey, target.keys.queueKey, target.keys.readersKey);
  args.push(target.value, queued ? 'queued' : '');
};

const encodeWithdrawShared: Encode<WithdrawRequest> = ({ request: { target } }, keys, args) => {
  keys.push(target.keys.lockKey, target.keys.queueKey, target.keys.readersKey);
  args.push(target.value, 'quietly');
};

const encodeSurvey: Encode<SurveyRequest> = ({ request }, keys, args) => {
  keys.push(...request.lockKeys);
  args.push(String(request.lockKeys.length));
};

const encodeNumber: Encode<NumberRequest> = ({ request, node }, keys, args) => {
  const seen = request.seen?.get(node);
  keys.push(request.numberKey);
  args.push(seen ? request.value : '', seen?.value ?? '', seen?.admitted ?? '');
};

const GRANTED: Vote = { kind: 'granted' };

const PLAIN: ReadonlyMap<string, Vote> = new Map(
  (['granted', 'kept', 'rejoined', 'vouched', 'unset', 'retired'] as const).map((kind) => [kind, { kind }]),
);

/** Reads 'voted <run_id> <vote> ...', where one 'granted' may stand for all, or a refusal of the whole batch. */
function decodeVotes(reply: Reply, ballots: readonly Ballot<unknown>[]): readonly Vote[] {
  const [word, runId, ...details] = String(reply).split(' ');
  const [first] = ballots;
  if (first && runId !== undefined) first.node.runId = runId;
  if (word === 'voted' && details.length === ballots.length) return details.map(decodeVote);
  if (word === 'voted' && details.length === 1 && details[0] === 'granted') return ballots.map(() => GRANTED);
  if (word === 'quarantined')
    return ballots.map(() => ({ kind: 'quarantined', remaining: Number(details[0]) }));
  if (word === 'isolated') return ballots.map(() => ({ kind: 'isolated', replicas: Number(details[0]) }));
  if (word === 'misfit') return ballots.map(() => ({ kind: 'misfit', parameters: details.join(' ') }));
  throw new Error(`the reply "${String(reply)}" is not one of the script`);
}

function decodeVote(text: string): Vote {
  const plain = PLAIN.get(text);
  if (plain) return plain;
  const [what = '', at] = text.split('@');
  const [word, value, remaining, place] = what.split(':');
  const time = Number(at);
  if (word === 'held') {
    return {
      kind: 'held',
      token: Number(value),
      remaining: remaining === undefined ? undefined : Number(remaining),
      first: place === 'first',
      time: at === undefined ? undefined : time,
    };
  }
  if (word === 'shared') return { kind: 'shared', token: Number(value) };
  if (word === 'permits') return { kind: 'permits', permits: Number(value) };
  if (word === 'number') {
    const [permits, token, admitted = ''] = [value, remaining, place];
    return { kind: 'number', value: permits === '' ? '' : `${permits} ${token}`, admitted };
  }
  if (word === 'surveyed') return { kind: 'surveyed', remaining: (value ?? '').split(',').map(Number) };
  if (word === 'forgotten') return { kind: 'forgotten', time };
  if (word === 'stale') return { kind: 'stale', fence: Number(value), time };
  if (word === 'window') return { kind: 'window', time };
  throw new Error(`"${text}" is not a vote`);
}

const RELEASED: Vote = { kind: 'released' };

function decodeReleases(reply: Reply, ballots: readonly unknown[]): readonly Vote[] {
  if (reply !== 'released') throw new Error(`the reply "${String(reply)}" is not one of the script`);
  return ballots.map(() => RELEASED);
}
