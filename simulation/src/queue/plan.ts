/** The plan of a run of the queue: what its processes and its server are, and what producers and handlers do. */
import type { ClientPlan, RunPlan } from '../plan/plan.js';

/** All durations and times are milliseconds of true time. */
export interface QueuePlan extends RunPlan<QueueStep> {
  /** The situation that is drawn again and again, if one is. */
  readonly focus?: string;
  /** When, after all is well, long tasks are added, as many as workers have room for, and for how long each is put off. */
  readonly fills?: readonly { readonly at: number; readonly delay: number }[];
  readonly clients: readonly QueueClientPlan[];
  readonly queue: {
    readonly attempts: number;
    /** Of a constant backoff. */
    readonly backoff: number;
    readonly timeout: number;
    readonly concurrency: number | undefined;
    /** Slots of each key. */
    readonly slots: number;
    readonly rate: { readonly max: number; readonly per: number } | undefined;
    readonly keyRate: { readonly max: number; readonly per: number } | undefined;
    readonly breaker:
      | { readonly failures: number; readonly within: number; readonly pause: number }
      | undefined;
    /** Between the ticks of a schedule, if there is one. */
    readonly every: number | undefined;
    readonly missed: 'once' | 'all' | 'skip';
    /** Whether the schedule has no task beside one that has not ended. */
    readonly isAlone: boolean;
    /** How much is kept of tasks that have ended; undefined for what is usual. */
    readonly retain:
      | { readonly count: number; readonly age: number; readonly dead: { readonly age: number } }
      | undefined;
    readonly codec: CodecPlan | undefined;
  };
  /** Whether the server may come back without what it had acknowledged. */
  readonly lossy: boolean;
  /** Whether, when all has ended, a worker is stopped that cannot reach the server. */
  readonly outage: boolean;
}

interface CodecPlan {
  /** When each process is given the second key, and writes with it, in ms of true time; null for one without the codec. */
  readonly given: readonly (number | null)[];
  /** Each so many calls of a process one fails, until all is healed; 0 for none. */
  readonly fails: number;
  /** How long a call takes, in ms. */
  readonly takes: number;
}

export interface QueueClientPlan extends ClientPlan<QueueStep> {
  /** Which limits it declares: those of the plan, those of the release before it, or none. */
  readonly declares: 'new' | 'old' | 'none';
  readonly worker:
    | { readonly concurrency: number; readonly lease: number; readonly grace: number }
    | undefined;
  /** Whether its handler takes several tasks in a call: how many, and how long it waits for them. */
  readonly batch: { readonly size: number; readonly wait: number } | undefined;
  /** For how long its adds are repeated; undefined if they fail at once. */
  readonly retries: number | undefined;
  /** Whether its worker has a backoff of its own that throws, or gives nonsense. */
  readonly wrongBackoff: boolean;
  /** When its worker is stopped, and another started in its place. */
  readonly restarts: readonly number[];
  /** Whether its worker is paused while others are filled up. */
  readonly rests?: boolean;
  /** Of a program that works without a connection to Redis, through this process. */
  readonly remote: RemotePlan | undefined;
}

export interface RemotePlan {
  readonly lease: number;
  /** How many tasks it claims at once, and how long it waits for the first. */
  readonly most: number;
  readonly wait: number;
  /** Each so many claims it hands back what it was given; 0 for never. */
  readonly returns: number;
}

/** What a producer does next. */
export type QueueStep = { readonly after: number } & (
  | ({ readonly f: 'add'; readonly name: string } & AddPlan)
  | { readonly f: 'pause'; readonly for: number }
  | { readonly f: 'remove' | 'get' | 'requeue'; readonly id: string }
  /** Cancels a task that the same producer has added. */
  | { readonly f: 'cancel'; readonly name: string }
  /** Changes a task that the same producer has added: when it is due, or its data and its priority. */
  | { readonly f: 'reschedule'; readonly name: string; readonly delay: number }
  | {
      readonly f: 'change';
      readonly name: string;
      readonly note: number | undefined;
      readonly priority: number | undefined;
    }
  /** Waits for the result of a task, for so long. */
  | { readonly f: 'wait'; readonly id: string; readonly for: number }
  | { readonly f: 'purge'; readonly state: 'waiting' | 'delayed' | 'dead' }
  /** Counts and lists what waits, and requeues the first of the dead letters. */
  | { readonly f: 'operate' }
  /** Reads the events, for so long. */
  | { readonly f: 'watch'; readonly for: number }
  /** Ends the window of the key under which tasks are unique. */
  | { readonly f: 'release' }
  /** Sets the weight of a tenant. */
  | { readonly f: 'weigh'; readonly tenant: string; readonly weight: number }
  /** Sets the limits of the plan, under a higher version. */
  | { readonly f: 'limit' }
  /** Runs the schedule now. */
  | { readonly f: 'run' }
  | { readonly f: 'obliterate' }
  /** Adds tasks and their follow-up, until it is certain; some cancel one of them, so many ms later. */
  | {
      readonly f: 'fan';
      readonly name: string;
      readonly tasks: readonly FannedTask[];
      readonly cancels: { readonly id: string; readonly after: number } | undefined;
      /** For how long a token is held before they are added under it; undefined if they are added under none. */
      readonly holds: number | undefined;
    }
  /** Counts the latch down, and opens it if need be. */
  | { readonly f: 'count down'; readonly id: string }
  /** Waits for the latch, for so long. */
  | { readonly f: 'await latch'; readonly for: number }
  /** Adds tasks under a token that was taken so many ms before; others may have taken one since. */
  | { readonly f: 'hold'; readonly names: readonly string[]; readonly for: number }
  /** Chooses which moves of tasks are events. */
  | { readonly f: 'announce'; readonly kinds: readonly ('added' | 'begun')[] }
);

/** A task that a follow-up waits for. */
interface FannedTask extends AddedPlan {
  readonly name: string;
}

/** How a task is added, and what its handler does. */
export type AddedPlan = Pick<AddPlan, 'key' | 'delay' | 'priority' | 'expires' | 'work'>;

interface AddPlan {
  /** Its id, if it is given one; then its add is repeated until it is certain. */
  readonly id: string | undefined;
  /** Whether other tasks have the same id, before or after it. */
  readonly isShared: boolean;
  /** Of one without an id. */
  readonly deduplicate:
    | { readonly key: string; readonly within: number; readonly keep: 'first' | 'last' }
    | { readonly key: string; readonly until: 'begun' | 'ended'; readonly within?: number }
    | undefined;
  readonly expires: number | undefined;
  readonly timeout: number | undefined;
  /** For how long what is left of it is kept, if not as long as of others. */
  readonly retain: OwnRetention | undefined;
  readonly key: string | undefined;
  readonly tenant: string | undefined;
  readonly delay: number;
  readonly priority: number;
  readonly work: WorkPlan;
}

interface OwnRetention {
  readonly age: number;
  readonly dead: { readonly age: number };
}

/** What its handler does. */
export interface WorkPlan {
  readonly takes: number;
  /** In how many steps, between which it looks at its signal. */
  readonly steps: number;
  /** Attempts that fail. */
  readonly fails: number;
  readonly fatal: boolean;
  /** Goes on when its signal has aborted. */
  readonly heedless: boolean;
  readonly progress: boolean;
  /** By how many ms each process puts it off, once. */
  readonly defers?: number | undefined;
  /** Which nonsense attempts fail with, if any. */
  readonly nonsense?: number | undefined;
  /** Whether it returns what cannot be kept as a result. */
  readonly unkeepable?: boolean;
}

/** The deduplication key of tasks that are unique until they have begun, or ended. */
export const UNIQUE = 'unique';
