/**
 * The keys of an app's partition, and what is in each.
 *
 * Guarantees: all share one hash tag, so that a run lives on one shard of a Cluster with its journal, its timer and its
 * owner, and each verb is one atomic step.
 */
import type { Keyspace, Script } from '@holdfast/redis';
import type { RunRef } from './store/claim.js';

/**
 * What the scripts call by these names, in upper case. A run that is not over is in one place: it waits (in `work`), waits
 * for its key (in `lines`), is delayed or parked (in `due`, unless it waits for messages only), is owned (in `work`), or is
 * stuck.
 */
export const KEYSPACE = {
  names: [
    // Settings and counters: layout, partitions (in the first partition only), token server epoch since call:<session> seq
    // drains build:<workflow> mend:<workflow>
    // archives (until when runs that end are kept for an archive, in ms).
    'meta',
    // Sessions of workers by the time at which they end, in ms; 0 for one whose runs are being taken back.
    'sessions',
    // What the worker of each session has: lua/served.lua says how.
    'served',
    // What each run is that is not over: lua/part.lua says in which words.
    'live',
    // "r <workflow> <build> <9-priority> <since, 16 digits> <run>" that waits, with "!" behind the workflow of suspects;
    // "e <run>" that is to be ended before it has begun; "o <session> <run>" that is owned: all with the score 0.
    'work',
    // Runs by when they are to go on, may begin, or have to have begun, in ms.
    'due',
    // "<workflow> <build> <session>" of workers that found too little.
    'sleepers',
    // "<workflow>/<key> <since, 16 digits> <run>" of runs that wait for their key, all with the score 0.
    'lines',
    // The run that has a key, by "<workflow>/<key>".
    'holders',
    // How many runs there are in some of the places: lua/tally.lua says which.
    'tally',
    // The limits of workflows, and which are paused: lua/limits.lua says how.
    'limits',
    // What has begun lately of workflows that have a rate: redis/window.
    'begun',
    // What schedules are, JSON by their names.
    'schedules',
    // Schedules by their next ticks, in ms.
    'ticks',
    // How often each run lost its worker since it last went on.
    'falls',
    // Why a run is stuck.
    'stuck',
    // The generation of each run that is kept: which of its journals is the one that counts.
    'gen',
    // The earlier generations of a run whose journals may be kept, the latest last, with spaces between.
    'earlier',
    // Whom the end of a child is told to: lua/children.lua says how.
    'parents',
    // Runs that are over by the time until which they are kept, in ms.
    'ended',
    // "<when, in ms> <how> <priority> <build>" each run has ended that is kept.
    'over',
    // Runs that are over by when they may be handed to an archive: lua/archives.lua says how.
    'archives',
    // The mailboxes to which the end of a run is told, with spaces between.
    'waiters',
    // A stream of what happens to runs: "<kind> <run>", and "d <detail>".
    'events',
    // "<token> <id of the last event that it has read>" of each named reader of events.
    'cursors',
  ],
} as const satisfies Keyspace;

type KeyName = (typeof KEYSPACE)['names'][number];

/** One of an app's partitions. */
export interface PartitionName {
  readonly app: string;
  readonly partition: number;
  readonly prefix: string;
}

export interface PartitionKeys {
  readonly of: (name: KeyName) => string;
  /** The keys that a script takes, as KEYS, before those of its operations. */
  readonly for: (script: Script) => readonly string[];
  /** A list: the journal of a run in one of its generations. */
  readonly journal: (run: RunRef) => string;
  /** A string: what a run has published. */
  readonly state: (run: string) => string;
  /** A string: what a step has given, for other runs. */
  readonly cache: (key: string) => string;
  /** A list: a stream of a run. */
  readonly stream: (run: RunRef, stream: string) => string;
  /** A hash: who writes the streams of a run, and who waits for more of them. */
  readonly writers: (run: RunRef) => string;
  /** A channel. */
  readonly mailbox: (mailbox: string) => string;
}

export function keysOf({ app, partition, prefix }: PartitionName): PartitionKeys {
  const base = `${prefix}{wf:${app}.${partition}}:`;
  const of = (key: string): string => base + key;
  return {
    of,
    for: ({ keys }) => keys.map(of),
    journal: ({ run, generation }) => of(`j:${run}.${generation}`),
    state: (run) => of(`s:${run}`),
    cache: (key) => of(`k:${key}`),
    stream: ({ run, generation }, stream) => of(`c:${run}.${generation}:${stream}`),
    writers: ({ run, generation }) => of(`w:${run}.${generation}`),
    mailbox: (mailbox) => of(`to:${mailbox}`),
  };
}

/** The issuer of the tokens of its steps: another with each prefix, since each has a clock of its own. */
export function issuerOf({ app, partition, prefix }: PartitionName): string {
  return `workflow:${prefix === '' ? app : `${prefix}{${app}}`}.${partition}`;
}
