/**
 * The scripts by which the log becomes files, and by which entities are erased, as values. The Lua files describe them.
 */
import type { BinaryReply } from '@holdfast/redis';
import type { PartitionKeys } from '../keys.js';
import type { LogEntry } from '../offline/log-entries.js';
import { type Refusal, refusal, verbFor, words } from './verb.js';

interface ForgottenRow {
  readonly key: string;
  /** "<view>.<generation>". */
  readonly generation: string;
  /** Whether its checksum is part of a sum. */
  readonly isSummed: boolean;
  /** The one bit of the key that is about the entity, if it has bits. */
  readonly bit?: number;
}

export interface ForgetRequest {
  /** '' for an entity that was erased before. */
  readonly token: number | '';
  readonly issuer: string;
  /** "<entity>:<id>". */
  readonly name: string;
  /** False where rows about it are taken again. */
  readonly isErased: boolean;
  /** What is deleted. */
  readonly rows: readonly ForgottenRow[];
}

interface Forgotten {
  readonly word: 'forgotten';
  /** How many rows were deleted. */
  readonly rows: number;
}

/** For how long a part of a log that an exporter has read is not dropped by others, in ms. */
const CLAIM = 600_000;

interface ClaimRequest {
  readonly token: number;
  readonly issuer: string;
  /** The epoch that was read last, or '', and the place up to which it was. */
  readonly epoch: string;
  readonly through: number;
  /** How many entries are wanted at most. */
  readonly most: number;
}

/** A part of a log. */
interface LogPage {
  readonly epoch: string;
  /** The place of the log's last entry. */
  readonly last: number;
  /** Up to where the log was trimmed. */
  readonly trimmed: { readonly epoch: string; readonly through: number } | undefined;
  readonly entries: readonly LogEntry[];
}

/** A part of a log, for an exporter. */
export interface Claimed extends LogPage {
  readonly word: 'claimed';
}

interface BrowseRequest {
  /** The place after which it is wanted. */
  readonly through: number;
  readonly most: number;
}

interface FallRequest {
  /** For how long entries are kept, in ms. */
  readonly keep: number;
  /** How many are dropped at most, about. */
  readonly most: number;
}

interface TrimRequest {
  readonly token: number;
  readonly issuer: string;
  /** In which the log was read. */
  readonly epoch: string;
  /** The last place that is dropped, and its epoch. */
  readonly through: number;
  readonly ofLast: string;
}

/** Those by which the log becomes files. */
export function exportVerbs(keys: PartitionKeys) {
  const claim = verbFor(
    keys,
    'claim',
    {
      args: ({ token, issuer, epoch, through, most }: ClaimRequest) => [
        ...[String(token), issuer, epoch, String(through), String(most), String(CLAIM * 1_000)],
      ],
    },
    (reply): Claimed | Refusal<'foreign' | 'stale'> => {
      const [word = '', detail = ''] = words(reply.slice(0, 2));
      return word === 'claimed' ? { word, ...readPage(reply) } : refusal([word, detail]);
    },
  );
  const browse = verbFor(
    keys,
    'browse',
    { args: ({ through, most }: BrowseRequest) => [String(through), String(most)] },
    readPage,
  );
  const trim = verbFor(
    keys,
    'trim',
    {
      args: ({ token, issuer, epoch, through, ofLast }: TrimRequest) => [
        ...[String(token), issuer, epoch, String(through), ofLast],
      ],
    },
    (reply) => refusal<'trimmed' | 'stale' | 'forgot'>(words(reply)),
  );
  const forget = verbFor(
    keys,
    'forget',
    {
      keys: ({ rows }: ForgetRequest) => rows.map(({ key }) => key),
      args: ({ token, issuer, name, isErased, rows }) => [
        ...[String(token), issuer, name, isErased ? '1' : '0'],
        ...rows.flatMap(({ generation, isSummed, bit }) => [
          ...[generation, bit === undefined ? String(Number(isSummed)) : `bit ${bit}`],
        ]),
      ],
    },
    (reply): Forgotten | Refusal<'foreign' | 'stale'> => {
      const [word = '', detail = ''] = words(reply);
      return word === 'forgotten' ? { word, rows: Number(detail) } : refusal([word, detail]);
    },
  );
  const fall = verbFor(
    keys,
    'fall',
    { args: ({ keep, most }: FallRequest) => [String(keep * 1_000), String(most)] },
    (reply): number => (String(reply[0]) === 'fallen' ? Number(reply[1]) : 0),
  );
  return { claim, browse, trim, fall, forget };
}

function readPage(reply: readonly BinaryReply[]): LogPage {
  const [, epoch = '', last = '', trimmed = ''] = words(reply.slice(0, 4));
  const [of = '', through = ''] = trimmed.split(' ');
  const entries = reply[4] as unknown as readonly LogEntry[];
  const before = trimmed === '' ? undefined : { epoch: of, through: Number(through) };
  return { epoch, last: Number(last), trimmed: before, entries };
}
