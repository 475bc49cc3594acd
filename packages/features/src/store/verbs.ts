/**
 * The scripts of a store as values: the request that each takes, and how its reply is read. The Lua files describe both.
 *
 * Guarantees: a reply that is not the script's own throws, and so counts as no answer.
 */
import type { Argument, BinaryReply } from '@holdfast/redis';
import { chunkName, chunkOf } from '../definition/flags.js';
import type { PartitionKeys } from '../keys.js';
import { type PackedRows, packRows } from '../row/pack.js';
import { type Refusal, refusal, verbFor, words } from './verb.js';

/** Why a partition lets a lane write nothing, in the order in which it asks. */
export type LaneRefusal = Refusal<
  | 'forgot'
  | 'retired'
  | 'unopened'
  | 'stale'
  | 'taken'
  | 'pushed'
  | 'followed'
  | 'repeated'
  | 'closed'
  | 'gap'
>;

export interface OpenRequest {
  /** "<view>.<generation>". */
  readonly generation: string;
  readonly lane: string;
  /** The name of a source partition, or ''. */
  readonly source: string;
  /** '' to join a lane that several processes share. */
  readonly token: number | '';
  readonly issuer: string;
  /** The epoch after which the holder has renewed its right, or ''. */
  readonly renewed: string;
  /** The mark of another issuer that is taken over, or ''. */
  readonly seen: string;
  /** What the source partition is called where it lies, or ''. */
  readonly name?: string;
  /** Whether the holder has not had the lane here before, and cannot renew its right. */
  readonly isNew: boolean;
}

type OpenRefusal = 'forgot' | 'retired' | 'foreign' | 'stale' | 'other' | 'pushed' | 'closed';

/** A lane in one partition, or one of its source partitions there. */
export interface Opened {
  readonly word: 'opened';
  readonly mark: string;
  /** Two numbers: how far the source has been taken in. */
  readonly offset: string;
}

/** By what a call of a lane is recognised. */
export interface LaneClaim {
  readonly generation: string;
  readonly lane: string;
  readonly mark: string;
  readonly source: string;
  /** The mark of the source partition, or ''. */
  readonly sourceMark: string;
}

export interface Span {
  /** The offset after which it begins. */
  readonly after: string;
  /** The offset with which it ends; '' for rows without a source. */
  readonly through: string;
}

export interface LandRequest extends LaneClaim, Span {
  /** How far event times may be ahead of the server's, in microseconds. */
  readonly ahead: number;
  readonly history: boolean;
  /** The names of the parts of an id. */
  readonly parts: readonly string[];
  readonly ids: readonly string[];
  readonly rows: readonly Uint8Array[];
}

interface TallyRequest extends LaneClaim, Span {
  /** How far the times of events may be ahead of the server's, in microseconds. */
  readonly ahead: number;
  readonly history: boolean;
  /** The names of the parts of an id. */
  readonly parts: readonly string[];
  /** The first 16 bytes of a ring of the view. */
  readonly head: Uint8Array;
  /** How many events each list of latest ones has. */
  readonly latest: readonly number[];
  readonly ids: readonly string[];
  readonly additions: PackedRows;
}

export interface Landed {
  readonly word: 'landed';
  /** A letter a row: a accepted, s there already, o older, e equal, x erased, f impossible; an addition may be l late. */
  readonly verdicts: string;
  /** "<epoch> <place>" of the log. */
  readonly place: string;
}

/** A record that is kept as a dead letter. */
export interface Letter {
  readonly offset: string;
  readonly error: string;
  readonly value: string;
}

interface BuryRequest {
  readonly claim: LaneClaim;
  readonly view: string;
  /** How many dead letters are kept. */
  readonly bound: number;
  readonly letters: readonly Letter[];
}

export interface Buried {
  readonly word: 'buried';
  /** How many were not buried before: the last ones. */
  readonly count: number;
}

interface Finished {
  readonly word: 'finished';
  readonly place: string;
}

interface Peeked {
  readonly place: string;
  readonly rows: readonly (Buffer | null)[];
}

interface PeekRequest {
  readonly keys: readonly string[];
}

/** What the catalog of a store knows. */
export interface Whole {
  /** Number of the catalog's change; 0 for none. */
  readonly n: number;
  /** Its fields and their values in turn, as JSON. */
  readonly catalog: string;
  /** "<view>.<generation>" of each that has ended, with commas between. */
  readonly ended: string;
  /** The store's id. */
  readonly id: string;
  /** "<view> <the highest number that a generation has had> <generation> ..." of those that have not ended, with commas between. */
  readonly alive: string;
}

/** How far a lane has taken in a source partition, '' for the lane itself, in one partition of the store. */
interface SurveyedLane {
  readonly lane: string;
  readonly source: string;
  readonly offset: string | undefined;
  /** "<token> <turn> <instance> <epoch> <issuer>" */
  readonly mark: string | undefined;
  /** What the source partition is called where it lies. */
  readonly name: string | undefined;
  /** Whether it has landed all that it will have. */
  readonly isFinished: boolean;
}

/** What one partition has of a generation. */
export interface Survey {
  readonly epoch: string;
  readonly rows: number;
  /** The place of the log's last entry. */
  readonly at: number;
  readonly lanes: readonly SurveyedLane[];
}

/** How much one partition holds. */
interface Counted {
  readonly entries: number;
  /** In microseconds; undefined for an empty log. */
  readonly first: number | undefined;
  readonly now: number;
  readonly dead: readonly number[];
  /** "<what> <generation>", and for refused rows ":<letter>". */
  readonly counts: ReadonlyMap<string, number>;
}

interface CloseRequest {
  readonly generation: string;
  /** The number of the catalog's change for which it is closed, or by which it is opened. */
  readonly n: number;
}

interface DropRequest {
  readonly generation: string;
  readonly keys: readonly string[];
}

interface AbsentRequest {
  /** The keys of rows of one generation. */
  readonly rows: readonly string[];
  /** Their keys in another. */
  readonly others: readonly string[];
  /** For how long a row is served, in ms; null for ever. */
  readonly ttl: number | null;
}

/** The verbs of one partition. */
export function verbsOf(keys: PartitionKeys) {
  return { ...laneVerbs(keys), ...partVerbs(keys) };
}

/** Those by which a lane writes. */
function laneVerbs(keys: PartitionKeys) {
  const land = verbFor(
    keys,
    'land',
    {
      keys: ({ generation, ids }: LandRequest) => rowKeys(keys, generation, ids),
      args: ({ ahead, history, parts, rows, ...claim }) => [
        ...argsOf(claim),
        ...[String(ahead), history ? '1' : '0', parts.join(' ')],
        ...packedArgs(packRows(rows)),
      ],
    },
    readLanded,
  );
  const tally = verbFor(
    keys,
    'tally',
    {
      keys: ({ generation, ids }: TallyRequest) => rowKeys(keys, generation, ids),
      args: ({ ahead, history, parts, head, latest, additions, ...claim }) => [
        ...argsOf(claim),
        ...[String(ahead), history ? '1' : '0', parts.join(' '), head, latest.join(' ')],
        ...packedArgs(additions),
      ],
    },
    readLanded,
  );
  const tell = verbFor(
    keys,
    'tell',
    { args: (lanes: readonly (LaneClaim & Span)[]) => lanes.flatMap(argsOf) },
    (reply): readonly (Refusal<'told'> | LaneRefusal)[] =>
      words(reply.slice(1)).map((verdict) => {
        const [word = '', ...rest] = verdict.split(' ');
        return refusal([word, rest.join(' ')]);
      }),
  );
  const finish = verbFor(
    keys,
    'finish',
    { args: ({ generation, lane, mark }: LaneClaim) => [generation, lane, mark] },
    (reply): Finished | LaneRefusal => {
      const [word = '', place = ''] = words(reply);
      return word === 'finished' ? { word, place } : refusal([word, place]);
    },
  );
  return { open: openVerb(keys), land, tally, tell, finish, ...flagVerbs(keys), ...deadLetterVerbs(keys) };
}

function flagVerbs(keys: PartitionKeys) {
  const flag = verbFor(
    keys,
    'flag',
    {
      keys: ({ generation, ids, rows }: LandRequest) =>
        ids.flatMap((id, n) =>
          flagsIn(rows[n]).map((name) => keys.row(generation, chunkName(name, chunkOf(id)))),
        ),
      args: ({ ahead, history, parts, ids, rows, ...claim }) => [
        ...argsOf(claim),
        ...[String(ahead), history ? '1' : '0', parts.join(' ')],
        ...ids.flatMap((id, n) => [keys.row(claim.generation, id), rows[n] ?? '']),
      ],
    },
    readLanded,
  );
  return { flag };
}

function openVerb(keys: PartitionKeys) {
  return verbFor(
    keys,
    'open',
    {
      args: ({ generation, lane, source, token, issuer, renewed, seen, name, isNew }: OpenRequest) => [
        ...[generation, lane, source, String(token), issuer, renewed, seen, name ?? '', isNew ? '1' : ''],
      ],
    },
    (reply): Opened | Refusal<OpenRefusal> => {
      const [word = '', mark = '', offset = ''] = words(reply);
      return word === 'opened' ? { word, mark, offset } : refusal([word, mark]);
    },
  );
}

function deadLetterVerbs(keys: PartitionKeys) {
  const bury = verbFor(
    keys,
    'bury',
    {
      keys: ({ view }: BuryRequest) => [keys.dead(view)],
      args: ({ claim, bound, letters }) => [
        ...[claim.generation, claim.lane, claim.mark, claim.source, claim.sourceMark, String(bound)],
        ...letters.flatMap(({ offset, error, value }) => [offset, error, value]),
      ],
    },
    (reply): Buried | LaneRefusal => {
      const [word = '', detail = ''] = words(reply);
      return word === 'buried' ? { word, count: Number(detail) } : refusal([word, detail]);
    },
  );
  return { bury };
}

function readLanded(reply: readonly BinaryReply[]): Landed | LaneRefusal {
  const [word = '', verdicts = '', place = ''] = words(reply);
  return word === 'landed' ? { word, verdicts, place } : refusal([word, verdicts]);
}

/** Of "<bit> <flag>+ <flag>- ...". */
const flagsIn = (row: Uint8Array | undefined): readonly string[] =>
  String(row)
    .split(' ')
    .slice(1)
    .map((word) => word.slice(0, -1));

/** The keys of rows of one generation: only their ends differ. */
function rowKeys(keys: PartitionKeys, generation: string, ids: readonly string[]): readonly string[] {
  const begin = keys.row(generation, '');
  return ids.map((id) => begin + id);
}

const packedArgs = ({ count, size, bytes }: PackedRows): Argument[] => [String(count), String(size), bytes];

const argsOf = (claim: LaneClaim & Span): string[] => {
  const { generation, lane, mark, source, sourceMark, after, through } = claim;
  return [generation, lane, mark, source, sourceMark, after, through];
};

/** Those on the partition as a whole. */
function partVerbs(keys: PartitionKeys) {
  const peek = verbFor(
    keys,
    'peek',
    { keys: (request: PeekRequest) => request.keys, args: () => [] },
    ([, place, ...rows]): Peeked => ({
      place: String(place ?? ''),
      rows: rows as readonly (Buffer | null)[],
    }),
  );
  const mirror = verbFor(
    keys,
    'mirror',
    { args: ({ n, catalog, ended, id, alive }: Whole) => [String(n), catalog, ended, id, alive] },
    ([word]): boolean => String(word) === 'mirrored',
  );
  const stats = verbFor(
    keys,
    'stats',
    {
      keys: (views: readonly string[]) => views.map((view) => keys.dead(view)),
      args: (views) => [String(views.length)],
    },
    readCounted,
  );
  const beat = verbFor(keys, 'beat', { args: () => [] }, ([, time]): number => Number(String(time)));
  return { peek, mirror, stats, beat, ...generationVerbs(keys) };
}

/** Those by which one generation takes the place of another. */
function generationVerbs(keys: PartitionKeys) {
  const survey = verbFor(keys, 'survey', { args: (generation: string) => [generation] }, readSurvey);
  const close = verbFor(
    keys,
    'close',
    { args: ({ generation, n }: CloseRequest) => [generation, String(n)] },
    (reply): Survey | undefined => (String(reply[0]) === 'surveyed' ? readSurvey(reply) : undefined),
  );
  const reopen = verbFor(
    keys,
    'reopen',
    { args: ({ generation, n }: CloseRequest) => [generation, String(n)] },
    ([word]): boolean => String(word) === 'reopened',
  );
  const drop = verbFor(
    keys,
    'drop',
    { keys: (request: DropRequest) => request.keys, args: ({ generation }) => [generation] },
    ([word, count]): number | undefined => (String(word) === 'dropped' ? Number(count) : undefined),
  );
  const absent = verbFor(
    keys,
    'absent',
    {
      keys: ({ rows, others }: AbsentRequest) => rows.flatMap((row, place) => [row, others[place] ?? '']),
      args: ({ rows, ttl }) => [String(rows.length), ttl === null ? '' : String(ttl * 1_000)],
    },
    ([, count]): number => Number(count),
  );
  const clear = verbFor(keys, 'clear', { args: (generation: string) => [generation] }, ([word]): boolean => {
    return String(word) === 'cleared';
  });
  const gone = verbFor(
    keys,
    'gone',
    { args: (generations: readonly string[]) => generations },
    (reply): readonly boolean[] => reply.slice(1).map((each) => Number(each) === 1),
  );
  return { survey, close, reopen, drop, clear, gone, absent };
}

function readSurvey(reply: readonly BinaryReply[]): Survey {
  const [, epoch = '', rows = '', at = '', ...rest] = words(reply);
  const lanes = new Map<string, { -readonly [Part in keyof SurveyedLane]: SurveyedLane[Part] }>();
  for (let place = 0; place < rest.length; place += 2) {
    const [what = '', name = ''] = (rest[place] ?? '').split(' ');
    const [lane = '', source = ''] = name.split(':');
    const known = lanes.get(name) ?? {
      ...{ lane, source, offset: undefined, mark: undefined, name: undefined, isFinished: false },
    };
    if (what === 'offset') known.offset = rest[place + 1];
    if (what === 'mark') known.mark = rest[place + 1];
    if (what === 'source') known.name = rest[place + 1];
    if (what === 'finished') known.isFinished = true;
    lanes.set(name, known);
  }
  return { epoch, rows: Number(rows), at: Number(at), lanes: [...lanes.values()] };
}

function readCounted(reply: readonly BinaryReply[]): Counted {
  const [, entries = '', first = '', now = '', dead = '', ...rest] = words(reply);
  const [ms, us] = first.split('-').map(Number);
  const counts = new Map<string, number>();
  for (let place = 0; place < rest.length; place += 2) counts.set(rest[place] ?? '', Number(rest[place + 1]));
  return {
    ...{ entries: Number(entries), now: Number(now), dead: dead.split(' ').map(Number), counts },
    first: ms === undefined || us === undefined ? undefined : ms * 1_000 + us,
  };
}
