/**
 * The scripts as values: what each takes, how its reply reads. The Lua files describe both.
 *
 * Guarantees: a reply that is not the script's own throws, and so counts as no answer.
 */

import type { Reply } from '@holdfast/redis';
import type { PartitionKeys } from '../keys.js';
import type { Claim, RunRef } from './claim.js';
import { ofEvents } from './event-verbs.js';
import { ofOperators } from './run-verbs.js';
import { ofSchedules } from './schedule-verbs.js';
import { scriptOf } from './scripts.js';
import type {
  Anew,
  AnewRequest,
  Claimed,
  CommitRequest,
  Committed,
  Declared,
  DeclaredLimits,
  Effect,
  Ending,
  Found,
  Proof,
  ReadResult,
  Retoken,
  Served,
  ServeRequest,
  Started,
  StartRequest,
  Told,
  Worked,
  WorkRequest,
} from './store.js';
import { ofStreams } from './stream-verbs.js';
import { BATCH, makersFor } from './verb-makers.js';

/** Of an app, as one of its partitions knows it. */
export interface Known {
  /** 0 if it is not known here. */
  readonly partitions: number;
  /** Names. */
  readonly workflows: readonly string[];
}

/** The verbs with the keys of a partition. */
export function verbsOf(keys: PartitionKeys) {
  return {
    ...ofRuns(keys),
    ...ofSessions(keys),
    ...ofOwners(keys),
    ...ofStreams(keys),
    ...ofEvents(keys),
    ...ofOperators(keys),
    ...ofSchedules(keys),
  };
}

/** What anybody asks about a run. */
function ofRuns(keys: PartitionKeys) {
  const { make, single } = makersFor(keys);
  return {
    start: make<StartRequest, Started>({
      script: scriptOf('start'),
      most: BATCH,
      keys: (of) => both(keys, of),
      args: startArgs,
      decode: ([, ...answers], requests) =>
        answers.map((answer, index) => readStarted(answer, requests[index] as StartRequest)),
    }),
    declare: single<DeclaredLimits, Declared>('declare', { args: declareArgs }, ([word, kept]) =>
      word === 'differs' ? { word, kept: String(kept) } : { word: 'declared' },
    ),
    hold: single<{ workflow: string; isHeld: boolean }, void>(
      'hold',
      { args: ({ workflow, isHeld }) => [workflow, isHeld ? '1' : ''] },
      () => {},
    ),
    tell: make<RunRef & { record: string; isResult: boolean }, Told>({
      script: scriptOf('tell'),
      most: BATCH,
      keys: (of) => [keys.journal(of)],
      args: ({ run, generation, record, isResult }) => [run, generation, record, isResult ? '1' : ''],
      decode: ([, ...answers]) => answers.map(readTold),
    }),
    find: make<RunRef & { mailbox: string }, Found>({
      script: scriptOf('find'),
      most: BATCH,
      keys: (of) => both(keys, of),
      args: ({ run, generation, mailbox }) => [run, generation, mailbox],
      decode: ([, ...answers]) => answers.map((answer) => readFound(answer as readonly Reply[])),
    }),
    retry: single<string, 'ready' | 'going' | 'unknown'>(
      'retry',
      { args: (run) => [run] },
      ([word]) => word as 'ready' | 'going' | 'unknown',
    ),
    known: single<void, Known>('known', { args: () => [] }, ([, many, ...workflows]) => ({
      partitions: Number(many),
      workflows: workflows.map(String),
    })),
    agree: single<number, number>('agree', { args: (many) => [String(many)] }, ([, many]) => Number(many)),
    anew: single<AnewRequest, Anew>(
      'anew',
      {
        keys: ({ from, to }) => [keys.journal(from), keys.journal(to), keys.state(to.run)],
        args: anewArgs,
      },
      readAnew,
    ),
    cached: single<string, string | undefined>(
      'cached',
      { keys: (key) => [keys.cache(key)], args: () => [] },
      ([word, result]) => (word === 'cached' ? String(result) : undefined),
    ),
    cache: single<{ key: string; result: string; ttl: number }, void>(
      'cache',
      { keys: ({ key }) => [keys.cache(key)], args: ({ result, ttl }) => [result, String(ttl)] },
      () => {},
    ),
    page: single<RunRef & { from: number }, readonly string[]>(
      'page',
      { keys: (of) => [keys.journal(of)], args: ({ from }) => [String(from)] },
      ([, ...records]) => records.map(String),
    ),
  };
}

/** What a worker asks for its session. */
function ofSessions(keys: PartitionKeys) {
  const { single } = makersFor(keys);
  return {
    open: single<{ session: string; lease: number }, void>('open', { args: leaseArgs }, () => {}),
    renew: single<{ session: string; lease: number }, true | undefined>(
      'renew',
      { args: leaseArgs },
      ([word]) => word === 'renewed' || undefined,
    ),
    close: single<string, void>('close', { args: (session) => [session] }, () => {}),
    serve: single<ServeRequest & { isReplicated: boolean }, Served | undefined>(
      'serve',
      { args: serveArgs },
      readServed,
    ),
    work: single<WorkRequest, Worked | undefined>('work', { args: workArgs }, readWorked),
  };
}

/** What the owner of a run asks. */
function ofOwners(keys: PartitionKeys) {
  const { make, single } = makersFor(keys);
  return {
    commit: make<CommitRequest, Committed>({
      script: scriptOf('commit'),
      most: BATCH,
      keys: (of) => both(keys, of),
      args: commitArgs,
      decode: ([, ...answers]) => answers.map(readCommitted),
    }),
    advance: make<CommitRequest, Committed>({
      script: scriptOf('advance'),
      most: BATCH,
      keys: (of) => [keys.journal(of)],
      args: advanceArgs,
      decode: ([, ...answers]) => answers.map(readAdvanced),
    }),
    read: single<Claim & { from: number }, ReadResult>(
      'read',
      {
        keys: (of) => [keys.journal(of)],
        args: ({ run, token, session, from }) => [run, String(token), session, String(from)],
      },
      readOwned,
    ),
    proof: single<RunRef & { claim: Claim | undefined }, Proof>(
      'proof',
      {
        keys: (of) => [keys.journal(of)],
        args: ({ run, generation, claim }) => [
          ...[run, generation, String(claim?.token ?? ''), claim?.session ?? ''],
        ],
      },
      ([, epoch, generation, owned, last]) => ({
        ...{ epoch: String(epoch), generation: String(generation), isOwned: owned === '1' },
        last: String(last),
      }),
    ),
    retoken: single<Claim & { seen: number }, Retoken>(
      'retoken',
      { args: ({ run, token, session, seen }) => [run, String(token), session, String(seen)] },
      readRetoken,
    ),
  };
}

const both = (keys: PartitionKeys, of: RunRef): readonly string[] => [keys.journal(of), keys.state(of.run)];

function startArgs({ run, generation, header, mailbox, under = {} }: StartRequest): readonly string[] {
  const { keyed = false, priority = 0, delay = 0, expires = 0, limits = 0, owner } = under;
  return [
    ...[run, generation, header, mailbox, keyed ? '1' : '', String(priority), String(delay), String(expires)],
    ...[owner?.session ?? '', String(owner?.highest ?? 0), String(limits)],
  ];
}

function declareArgs({
  workflow,
  version,
  text,
  waiting,
  concurrency,
  rate,
}: DeclaredLimits): readonly string[] {
  const numbers = [version, waiting, concurrency, rate?.max, rate?.per].map((each) => String(each ?? '-'));
  return [workflow, String(version), text, numbers.join(' ')];
}

const leaseArgs = ({ session, lease }: { session: string; lease: number }) => [session, String(lease)];

const workArgs = ({ session, lease, want, number, highest, workflows, builds = {} }: WorkRequest) => [
  ...[session, String(lease), String(want), String(number), String(highest)],
  ...buildArgs({ workflows, builds }),
];

const serveArgs = ({ session, archives, isReplicated, ...its }: ServeRequest & { isReplicated: boolean }) => [
  ...[session, archives ? '1' : '', isReplicated ? '1' : ''],
  ...buildArgs(its),
];

const buildArgs = ({ workflows, builds = {} }: Pick<WorkRequest, 'workflows' | 'builds'>) =>
  workflows.flatMap((workflow) => [workflow, builds[workflow] ?? '0']);

function readServed([word, more, ...unserved]: readonly Reply[]): Served | undefined {
  if (word === 'lost') return undefined;
  return {
    isMore: more === '1',
    unserved: Array.from({ length: unserved.length / 2 }, (_, index) => ({
      workflow: String(unserved[2 * index]),
      build: String(unserved[2 * index + 1]),
    })),
  };
}

function anewArgs(request: AnewRequest): readonly string[] {
  const { from, to, header, cut, drop, take, length, retain, claim, limits = 0 } = request;
  return [
    ...[from.run, from.generation, to.run, to.generation, header],
    ...[cut, length, retain].map(String),
    ...[String(claim?.token ?? ''), String(claim?.commits ?? ''), claim?.session ?? ''],
    String(limits),
    ...[drop.length, ...drop, ...take].map(String),
  ];
}

function readAnew([word, detail, more]: readonly Reply[]): Anew {
  if (word === 'full') return { word, full: { wait: Number(detail), most: Number(more) } };
  if (word === 'exists' || word === 'gen') return { word, generation: String(detail) };
  if (word === 'again') return { word, length: Number(detail) };
  return { word } as Anew;
}

function commitArgs(request: CommitRequest): readonly string[] {
  const { run, token, commits, session, build = '0', ending, state, records, effects = [] } = request;
  return [
    ...[run, String(token), String(commits), session, build, wordOf(ending), argumentOf(ending), state ?? ''],
    ...[String(effects.length), String(records.length), ...records],
    ...effects.flatMap(effectArgs),
  ];
}

function advanceArgs(request: CommitRequest): readonly string[] {
  const { run, token, commits, session, build = '0', records } = request;
  const [owned, next] = [`${token}:${commits}:${session}:`, `${token}:${commits + 1}:${session}:`];
  return [run, String(token), owned, next, build, String(records.length), ...records];
}

function effectArgs(effect: Effect): readonly string[] {
  if (effect.word === 'child') return ['child', effect.run, effect.generation, effect.header, effect.parent];
  if (effect.word === 'write') return ['write', JSON.stringify(effect.command), '', '', ''];
  if (effect.word === 'mail') return ['mail', effect.mailbox, effect.text, '', ''];
  return ['tell', effect.run, effect.record, '', ''];
}

const wordOf = (ending: Ending): string =>
  ending.word === 'stuck' && ending.isUnfit ? 'unfit' : ending.word;

function argumentOf(ending: Ending): string {
  if (ending.word === 'park') return `${ending.known} ${ending.due} ${JSON.stringify(ending.waitsFor)}`;
  if (ending.word === 'stuck') return ending.reason;
  if (ending.word === 'back') return String(ending.delay ?? '');
  return ending.word === 'end' ? `${ending.retain} ${ending.status}` : '';
}

function readCommitted(answer: Reply): Committed {
  const [word, length] = String(answer).split(' ');
  return { word: word as Committed['word'], length: Number(length) };
}

const readAdvanced = (answer: Reply): Committed =>
  typeof answer === 'number' ? { word: 'committed', length: answer } : readCommitted(answer);

function readWorked(
  [word, now, soon, epoch, token, drains, ceiling, ...runs]: readonly Reply[],
  { session }: WorkRequest,
): Worked | undefined {
  if (word === 'lost') return undefined;
  return {
    now: Number(now),
    soon: Number(soon) < 0 ? undefined : Number(soon),
    epoch: String(epoch),
    drains: drains === 'drain',
    isLow: ceiling === 'low',
    claims: runs.map((claimed, index) => {
      const [run, generation, mark, ...records] = claimed as readonly string[];
      const [, letter = '', falls] = /^(\D?)(\d*)$/.exec(String(mark)) ?? [];
      return {
        ...{ run: String(run), generation: String(generation) },
        ...{ mark: MARKS[letter] ?? '', falls: Number(falls ?? 0) },
        ...{ session, token: Number(token) + index, records },
      };
    }),
  };
}

const MARKS: Readonly<Record<string, Claimed['mark']>> = { e: 'ends', '!': 'suspect' };

function readStarted(answer: Reply, { generation }: StartRequest): Started {
  const [word, detail = '', more = ''] = String(answer).split(' ');
  if (word === 'full') return { word, generation, full: { wait: Number(detail), most: Number(more) } };
  if (word === 'owned') return { word, generation, token: Number(detail) };
  return { word: word as Started['word'], generation: word === 'exists' ? detail : generation };
}

function readTold(answer: Reply): Told {
  const [word, generation = ''] = String(answer).split(' ');
  return word === 'gen' ? { word, generation } : ({ word } as Told);
}

function readFound([word, generation, state, detail]: readonly Reply[]): Found {
  if (word === 'unknown') return { word };
  if (word === 'gen') return { word, generation: String(generation) };
  return { word, generation: String(generation), state: String(state), detail: String(detail) } as Found;
}

function readOwned([word, first, length, ...records]: readonly Reply[]): ReadResult {
  if (word === 'over') return { word, last: String(first) };
  if (word !== 'owned') return { word: 'stale' };
  return { word, commits: Number(first), length: Number(length), records: records.map(String) };
}

function readRetoken([word, number]: readonly Reply[]): Retoken {
  if (word === 'token') return { word, token: Number(number) };
  return word === 'early' ? { word, wait: Number(number) } : { word: 'stale' };
}
