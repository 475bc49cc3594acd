/**
 * The records of a journal, and their text. A journal is the list of what has happened to a run, in the order in which the
 * run came to know of it: a run is a function of its journal.
 *
 * A text is one line of head, then JSON. The head is a letter and, of a call or a message, its id; of a header, when the run was
 * started; else "-". Guarantees: what `decodeRecord` gives is what `encodeRecord` was given. A letter that this version does
 * not know throws an Error that names it, so that nothing of a newer version is passed over.
 */
import { messageOf } from '@holdfast/kernel';
import { plainFields } from './coder.js';

/** An error as it is kept. */
export interface KeptError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
}

/** Where a call stands in the function, and what it is called there: both are compared in a replay. */
export interface Place {
  /** Such as "4.1.0", or "4.1.@key". */
  readonly id: string;
  readonly name: string;
  /** The hash of the value that the call was said to be of, if it was. */
  readonly of?: string | undefined;
}

/** How a run ended. */
export type Outcome =
  | { readonly status: 'completed'; readonly value: unknown }
  | { readonly status: 'failed'; readonly error: KeptError }
  | { readonly status: 'cancelled'; readonly reason: string };

/** First in every journal. */
export interface Header {
  readonly kind: 'header';
  readonly workflow: string;
  readonly input: unknown;
  /** Which of the run's journals this is: it names the call that began it. */
  readonly generation: string;
  /** When the run was started, in ms since the epoch: the script that does it says so. Undefined of one that it has not made. */
  readonly at?: number | undefined;
  /** The W3C trace context of its start, if anybody listened then. */
  readonly trace?: string;
  /** Of a fork: how many records behind the header it has of another run, which undoes what it has done itself. */
  readonly kept?: number | undefined;
  /** Ids of messages that came in an earlier journal of the run. */
  readonly seen?: readonly string[] | undefined;
  /** Ids of messages of this journal that were taken by passes of a loop that are not run again. */
  readonly taken?: readonly string[] | undefined;
  /** With which pass, and which state, loops go on. */
  readonly loops?: Readonly<Record<string, { readonly pass: number; readonly state: unknown }>> | undefined;
  /** Of a child: its parent, as it is called in Redis, and the generation of that. */
  readonly parent?: string;
}

/** How an attempt of a step ended. */
interface Attempted extends Place {
  readonly token: number;
  readonly attempt: number;
  /**
   * When it began, by the server's clock, in ms behind `token / 1000`, and for how many ms it went on. Undefined if nothing was
   * attempted, as where the outcome of an attempt is unknown.
   */
  readonly span?: readonly [began: number, took: number] | undefined;
}

/** A step is done. */
interface Done extends Attempted {
  readonly kind: 'done';
  readonly value: unknown;
  /** The value as text, of a record that this worker has made; never in a journal. */
  readonly json?: string | undefined;
}

/** A step has failed for good. */
interface Failed extends Attempted {
  readonly kind: 'failed';
  readonly error: KeptError;
}

/** An attempt of a step has failed, and another follows. `attempt`: the number of that. */
interface Retry extends Attempted {
  readonly kind: 'retry';
  readonly error: KeptError;
  /** When it may begin, in ms since the epoch, by the server's clock. */
  readonly at: number;
}

/** A step that is begun once is about to begin. */
interface Begins extends Place {
  readonly kind: 'begun';
  readonly token: number;
}

/** A step that can be undone is about to begin: from now on it is in the ledger. */
interface Entered extends Place {
  readonly kind: 'entry';
}

/** What the body of a step has kept for its next attempt. */
interface Checkpoint extends Place {
  readonly kind: 'checkpoint';
  readonly value: unknown;
  readonly token: number;
  readonly attempt: number;
}

/** A timer is set. */
interface TimerSet extends Place {
  readonly kind: 'timer';
  /** When it is due, in ms since the epoch, by the server's clock. */
  readonly at: number;
}

/** A timer has fired. */
interface Fired extends Place {
  readonly kind: 'fired';
}

/** A child is begun. */
interface ChildBegun extends Place {
  readonly kind: 'child';
  /** What it is called in Redis; '' if it counts as not begun. */
  readonly run: string;
  /** Whether it goes on when its parent ends. */
  readonly abandoned?: true;
}

/** A child is over. */
interface ChildOver {
  readonly kind: 'over';
  readonly id: string;
  readonly outcome: Outcome;
  readonly token: number;
}

/** A message came in. Its id tells repetitions apart. */
export interface Message {
  readonly kind: 'message';
  readonly id: string;
  readonly name: string;
  readonly payload: unknown;
  /** The mailbox of whoever waits for an answer. */
  readonly from?: string;
}

/** What the function has answered to a message. */
export interface Reply {
  readonly kind: 'reply';
  /** Of the message. */
  readonly id: string;
  readonly value: unknown;
}

/** What the time was in a turn, for a function that asked for it. */
interface TimeNote {
  readonly kind: 'time';
  readonly turn: number;
  /** In ms since the epoch, by the server's clock. */
  readonly at: number;
}

/** What the chance of a function that asked for it follows from. */
interface SeedNote {
  readonly kind: 'seed';
  readonly seed: string;
}

/** A patch is taken. */
interface PatchNote {
  readonly kind: 'patch';
  readonly name: string;
}

/** What the function was told that does not follow from the records before. */
export type Note = TimeNote | SeedNote | PatchNote;

/** A worker has taken the run over from one that had died or stalled; it goes with the first records of that worker. */
interface Takeover {
  readonly kind: 'takeover';
  /** How often the run was taken over since it last went on. */
  readonly falls: number;
  /** Of the claim of whoever took it over last. */
  readonly token: number;
}

/** Somebody asked that the run be cancelled. */
interface Cancel {
  readonly kind: 'cancel';
  readonly reason: string;
}

/** The function has failed or was cancelled, its bodies have ended, and the ledger is undone from here on. */
interface Undoing {
  readonly kind: 'undoing';
  /** The place in the journal of the earliest record that made an entry: a retry keeps nothing of what follows. */
  readonly from: number;
}

/** In place of one that a retry or a fork has left out: nothing has happened, but a turn. */
interface Blank {
  readonly kind: 'blank';
}

/** Last in the journal of a run that is over. */
interface End {
  readonly kind: 'end';
  readonly outcome: Outcome;
  readonly token: number;
}

/** Records of the calls of a function. */
export type CallRecord =
  | Done
  | Failed
  | Retry
  | Begins
  | Entered
  | Checkpoint
  | TimerSet
  | Fired
  | ChildBegun
  | ChildOver;

export type JournalRecord =
  | Header
  | CallRecord
  | Message
  | Reply
  | Note
  | Takeover
  | Cancel
  | Undoing
  | Blank
  | End;

const LETTERS: Readonly<Record<JournalRecord['kind'], string>> = {
  header: 'H',
  done: 'S',
  failed: 'E',
  retry: 'A',
  timer: 'T',
  fired: 'F',
  child: 'C',
  over: 'D',
  message: 'M',
  reply: 'R',
  time: 'N',
  seed: 'G',
  patch: 'P',
  takeover: 'L',
  cancel: 'X',
  begun: 'B',
  entry: 'K',
  checkpoint: 'Q',
  undoing: 'U',
  end: 'Z',
  blank: 'V',
};

const KINDS = new Map(Object.entries(LETTERS).map(([kind, letter]) => [letter, kind]));

/** Kinds whose head has the record's id. */
const WITH_ID = new Set<JournalRecord['kind']>([
  ...(['done', 'failed', 'retry', 'timer', 'fired', 'child', 'over'] as const),
  ...(['message', 'reply', 'begun', 'entry', 'checkpoint'] as const),
]);

export function encodeRecord(record: JournalRecord): string {
  if (record.kind === 'done') return encodeDone(record);
  if (record.kind === 'header') {
    const { kind, at = '-', ...body } = record;
    return `${LETTERS[kind]} ${at}\n${JSON.stringify(body)}`;
  }
  const { kind, id = '-', ...body } = record as Exclude<JournalRecord, Header> & { readonly id?: string };
  return `${LETTERS[kind]} ${id}\n${JSON.stringify(body)}`;
}

/** Most records are of this kind, and the value of most is text already. */
function encodeDone(record: Done): string {
  const { id, name, of, value, json = JSON.stringify(value), token, attempt, span } = record;
  const whose = of === undefined ? '' : `,"of":${JSON.stringify(of)}`;
  const what = json === undefined ? '' : `,"value":${json}`;
  const when = span === undefined ? '' : `,"span":[${span[0]},${span[1]}]`;
  return `S ${id}\n{"name":${JSON.stringify(name)}${whose}${what},"token":${token},"attempt":${attempt}${when}}`;
}

/** What `decodeRecord` gives for the text of a record that this worker has made. */
export function asDecoded(record: JournalRecord, text = encodeRecord(record)): JournalRecord {
  if (record.kind !== 'done' || record.json === undefined) return decodeRecord(text);
  const { value, json } = record;
  const isAsItWas = typeof value === 'number' ? !Object.is(value, -0) : typeof value === 'string';
  return isAsItWas ? record : { ...record, value: JSON.parse(json) };
}

/** Throws an Error for a text that is no record of this version, CodecError for one that is encoded. */
export function decodeRecord(text: string): JournalRecord {
  const kind = KINDS.get(text.charAt(0)) as JournalRecord['kind'] | undefined;
  const start = text.indexOf('\n');
  if (kind === undefined || start < 0) {
    throw new Error(
      `the journal has a record that begins "${text.slice(0, 20)}", which this version does not know`,
    );
  }
  const body = plainFields(text.slice(start + 1));
  const of = text.slice(2, start);
  if (WITH_ID.has(kind)) return { kind, ...body, id: of } as unknown as JournalRecord;
  if (kind !== 'header' || of === '-') return { kind, ...body } as JournalRecord;
  return { kind, ...body, at: Number(of) } as Header;
}

/** What was thrown, as it is kept. Never throws. */
export function keptError(thrown: unknown): KeptError {
  return { ...named(thrown), message: messageOf(thrown) };
}

function named(thrown: unknown): { name: string; code?: string } {
  try {
    if (!(thrown instanceof Error)) return { name: 'Error' };
    const { name, code } = thrown as Error & { code?: unknown };
    return { name: String(name).slice(0, 100), ...(typeof code === 'string' ? { code } : {}) };
  } catch {
    return { name: 'Error' };
  }
}
