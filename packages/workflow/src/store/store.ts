/**
 * What the engine asks of a partition: the verbs of lua/, as a port. Redis keeps it (redis-store.ts); for tests of workflows
 * memory does (memory-store.ts). One contract suite holds both to the same.
 *
 * Guarantees: each call is one atomic step. A call that rejects with UnavailableError may have been carried out.
 */
import type { Command } from '@holdfast/redis';
import type { Outcome } from '../journal/record.js';
import type { Claim, RunRef } from './claim.js';
import type { EventStore } from './event-store.js';
import type { RunStore } from './run-store.js';
import type { ScheduleStore } from './schedule-store.js';
import type { StreamStore } from './stream-store.js';

/** The generation names the call: when it is repeated, it is known by it. */
export interface StartRequest extends RunRef {
  /** The text of its first record. */
  readonly header: string;
  /** To which its end is told; '' for none. */
  readonly mailbox: string;
  /** Default: a run of no key, that may begin at once. */
  readonly under?: StartTerms;
}

/** When and for whom a run begins. */
export interface StartTerms {
  /** Whether the place in its name is a key: of the runs of one key, one at a time goes on. */
  readonly keyed?: boolean;
  /** From 0 to 9, the highest first. */
  readonly priority?: number;
  /** For how many ms it does not begin. */
  readonly delay?: number;
  /** By when it has to begin, in ms since the epoch. */
  readonly expires?: number;
  /** Of the limits that the client has declared of its workflow; 0 for none. */
  readonly limits?: number;
  /** The session that is to own it at once, if it still may, and the highest token that it knows of. */
  readonly owner?: { readonly session: string; readonly highest: number };
}

/** "line": it waits for its key. "same": this call started it before. "undeclared": its limits are not kept. */
export interface Started {
  readonly word: 'ready' | 'delayed' | 'line' | 'owned' | 'same' | 'exists' | 'undeclared' | 'full';
  /** Of the run that there is now. */
  readonly generation: string;
  /** Of one that is owned. */
  readonly token?: number;
  /** Where no more may wait. */
  readonly full?: Full;
}

/** In how many ms to try again, and how many may wait. */
export interface Full {
  readonly wait: number;
  readonly most: number;
}

/** Limits of a workflow, as one partition keeps them. */
export interface DeclaredLimits {
  readonly workflow: string;
  readonly version: number;
  /** The same text, the same limits. */
  readonly text: string;
  readonly waiting: number | undefined;
  readonly concurrency: number | undefined;
  readonly rate: { readonly max: number; readonly per: number } | undefined;
}

export type Declared =
  | { readonly word: 'declared' }
  /** Others are kept of this version. */
  | { readonly word: 'differs'; readonly kept: string };

export interface ServeRequest {
  readonly session: string;
  /** Whether it has an archive: for that, runs that end within 30 days are kept, for 30 days longer at the most. */
  readonly archives?: boolean;
  readonly workflows: readonly string[];
  /** As of `WorkRequest`. */
  readonly builds?: Readonly<Record<string, string>>;
}

export interface Served {
  /** Whether more is stuck that the builds let go on. */
  readonly isMore: boolean;
  /** Workflows of which runs wait that no worker may have, and the first of their builds. */
  readonly unserved: readonly { readonly workflow: string; readonly build: string }[];
}

export interface WorkRequest {
  readonly session: string;
  /** In ms. */
  readonly lease: number;
  readonly want: number;
  /** Of this call of the session. */
  readonly number: number;
  /** The highest token that the worker knows of. */
  readonly highest: number;
  readonly workflows: readonly string[];
  /** Of those of the workflows that do not have the build 0: such as "3", or "3=" of one that is pinned. */
  readonly builds?: Readonly<Record<string, string>>;
}

export interface Worked {
  /** The server's time, in ms since the epoch. */
  readonly now: number;
  /** In how many ms something is due; undefined if nothing is. */
  readonly soon: number | undefined;
  readonly epoch: string;
  readonly claims: readonly Claimed[];
  /** The session gets no more until it has none, because a suspect waits for it. */
  readonly drains: boolean;
  /** The ceiling of tokens is to be raised: `replicated` does that. */
  readonly isLow: boolean;
}

export interface Claimed extends Claim {
  /** "ends": it is to be ended before it has begun. "suspect": it is given out alone, since it has fallen before. */
  readonly mark: '' | 'ends' | 'suspect';
  /** How often it has fallen since it last went on. */
  readonly falls: number;
  /** All records of its journal, if that is short; else none: then they are read. */
  readonly records: readonly string[];
}

/** What becomes of a run with a commit. */
export type Ending =
  | { readonly word: 'go' }
  /** `delay`: in how many ms it may be claimed again; default: at once, before those that wait. */
  | { readonly word: 'back'; readonly delay?: number }
  /**
   * `known`: how many records its owner knows. `due`: when it has to go on, in ms since the epoch; 0 for never. `waitsFor`:
   * the names of the messages for which it waits.
   */
  | {
      readonly word: 'park';
      readonly known: number;
      readonly due: number;
      readonly waitsFor: readonly string[];
    }
  /** `isUnfit`: it does not fit the code, so it is for workers of a higher build, if there have been any. */
  | { readonly word: 'stuck'; readonly reason: string; readonly isUnfit?: boolean }
  /** `retain`: for how many ms it is kept. The last record is its end. */
  | { readonly word: 'end'; readonly retain: number; readonly status: Outcome['status'] };

/** What a commit does besides to its own run, as lua/children.lua says. */
export type Effect =
  /** Begins a child, or adopts one. `parent`: "<run>.<generation> <place of the call>". */
  | {
      readonly word: 'child';
      readonly run: string;
      readonly generation: string;
      readonly header: string;
      readonly parent: string;
    }
  /** Tells whoever listens to a mailbox. */
  | { readonly word: 'mail'; readonly mailbox: string; readonly text: string }
  /** A Redis command, carried out before the rest of the commit. */
  | { readonly word: 'write'; readonly command: Command }
  /** Tells a run, if it is not over. */
  | { readonly word: 'tell'; readonly run: string; readonly record: string };

export interface CommitRequest extends Claim {
  /** How many of this claim were carried out before. */
  readonly commits: number;
  /** Of the worker's definition, such as "3" or "3="; default "0". */
  readonly build?: string | undefined;
  readonly ending: Ending;
  readonly records: readonly string[];
  /** Default: none. */
  readonly effects?: readonly Effect[];
  /** JSON to publish; undefined for nothing new. */
  readonly state: string | undefined;
}

/**
 * "again": it was to be parked, and something came in meanwhile. "refused": Redis refused a command, so the run is stuck, and
 * nothing else was done. "stale": it is not owned so. "behind": another commit of the
 * claim came before. "epoch": the claim is of an earlier epoch of the server.
 */
export interface Committed {
  readonly word: 'committed' | 'again' | 'refused' | 'stale' | 'behind' | 'epoch';
  readonly length: number;
}

export type ReadResult =
  | {
      readonly word: 'owned';
      readonly commits: number;
      /** Of the journal. */
      readonly length: number;
      readonly records: readonly string[];
    }
  | { readonly word: 'over'; readonly last: string }
  | { readonly word: 'stale' };

/** What a server has of a run. */
export interface Proof {
  /** Of the server. */
  readonly epoch: string;
  /** Of the run; '' if it is not there. */
  readonly generation: string;
  /** Whether it is owned under the claim that was named. */
  readonly isOwned: boolean;
  /** Its last record, if it is over and of the generation that was named; else ''. */
  readonly last: string;
}

export type Retoken =
  | { readonly word: 'token'; readonly token: number }
  /** In how many ms it may be asked for again. */
  | { readonly word: 'early'; readonly wait: number }
  | { readonly word: 'stale' };

export type Found =
  | { readonly word: 'unknown' }
  /** It is over, and of another generation than was asked for: ask for that. */
  | { readonly word: 'gen'; readonly generation: string }
  | {
      readonly word: 'ready' | 'line' | 'delayed' | 'parked' | 'owned' | 'over' | 'stuck';
      readonly generation: string;
      /** JSON; '' if nothing was published. */
      readonly state: string;
      /**
       * Of one that is over, its last record; of one that is stuck, why; of one that is ready, if nobody is to be told of its
       * end and no worker may have it, its build.
       */
      readonly detail: string;
    };

export type Told =
  | { readonly word: 'told' | 'over' | 'unknown' }
  /** It is of another generation: repeat it with that. */
  | { readonly word: 'gen'; readonly generation: string };

/** To begin another generation of a run, or another run, over a part of a journal. */
export interface AnewRequest {
  readonly from: RunRef;
  /** The run that begins; its generation names the call: when it is repeated, it is known by it. */
  readonly to: RunRef;
  /** The text of its first record. */
  readonly header: string;
  /** How many records behind the header it has of the old journal. */
  readonly cut: number;
  /** Places of those that are left out, from 0, the header's. */
  readonly drop: readonly number[];
  /** Places of later ones that it has. */
  readonly take: readonly number[];
  /** How long the old journal is, as far as it is known. */
  readonly length: number;
  /** For how many ms the old journal is kept. */
  readonly retain: number;
  /** Of another run: of the limits that the client has declared of its workflow; default: none. */
  readonly limits?: number | undefined;
  /** Of the owner; undefined if the run has to be over, or stuck. */
  readonly claim: { readonly token: number; readonly commits: number; readonly session: string } | undefined;
}

/**
 * "ready", also if this call did it before. "exists": there is a run of the name of the one that was to begin. "going": it is
 * not over and not stuck. "stale": it is not owned so. "behind": another commit came before. "gen": it is of another
 * generation. "again": its journal is longer. "undeclared", "full": of another run, as of a start.
 */
export type Anew =
  | { readonly word: 'ready' | 'going' | 'stale' | 'behind' | 'unknown' | 'undeclared' }
  | { readonly word: 'full'; readonly full: Full }
  | { readonly word: 'exists' | 'gen'; readonly generation: string }
  | { readonly word: 'again'; readonly length: number };

export interface MailListener {
  /** A text, as lua/ready.lua and lua/tell.lua send it. */
  readonly onMail: (text: string) => void;
  /** What was sent before may have been missed. */
  readonly onListening: () => void;
}

export interface Store extends StreamStore, EventStore, RunStore, ScheduleStore {
  /** Of the tokens. */
  readonly issuer: string;
  /** Aborts when it is closed. */
  readonly closed: AbortSignal;
  /** After how many ms whoever waits for an end asks again, because mail may be lost; Infinity where none is. */
  readonly askAgain: number;
  /** Whether what is acknowledged is to be on replicas, and tokens are kept below a ceiling that they know. */
  readonly isReplicated: boolean;
  /** Why replicas have not confirmed what was written last; undefined if they have, or are not asked. */
  readonly problem: string | undefined;
  /** Resolves, once replicas have all that was acknowledged until now, to the epoch of the server. Rejects with UnavailableError. */
  replicated(): Promise<string>;
  proof(run: RunRef, claim?: Claim): Promise<Proof>;
  start(request: StartRequest): Promise<Started>;
  declare(limits: DeclaredLimits): Promise<Declared>;
  /** Lets no worker have a run of the workflow any more, or lets them again. */
  hold(workflow: string, isHeld: boolean): Promise<void>;
  open(session: string, lease: number): Promise<void>;
  /** Undefined if the session is over. */
  renew(session: string, lease: number): Promise<true | undefined>;
  close(session: string): Promise<void>;
  /**
   * Tells what the worker of a session has; with a build that is higher than all before, runs that are stuck go on, a part of
   * them a call. Undefined if the session is over.
   */
  serve(request: ServeRequest): Promise<Served | undefined>;
  /** Undefined if the session is over. */
  work(request: WorkRequest): Promise<Worked | undefined>;
  commit(request: CommitRequest): Promise<Committed>;
  read(claim: Claim, from: number): Promise<ReadResult>;
  retoken(claim: Claim, seen: number): Promise<Retoken>;
  /** `record`: the text of a message or a cancel. `isResult`: of a task; where the run is over, a retry has it. */
  tell(run: RunRef, record: string, isResult?: boolean): Promise<Told>;
  /** `mailbox`: to which the end of the run is told; '' for none. A generation that nobody knows yet is ''. */
  find(run: RunRef, mailbox: string): Promise<Found>;
  retry(run: string): Promise<'ready' | 'going' | 'unknown'>;
  anew(request: AnewRequest): Promise<Anew>;
  page(run: RunRef, from: number): Promise<readonly string[]>;
  /** What was kept under the key; undefined if nothing is. */
  cached(key: string): Promise<string | undefined>;
  /** Keeps a result for `ttl` ms. */
  cache(key: string, result: string, ttl: number): Promise<void>;
  /** Resolves when it listens, or has tried. */
  listen(mailbox: string, listener: MailListener): Promise<void>;
  /** Calls under way end; later ones are MisuseErrors. */
  shut(): void;
}
