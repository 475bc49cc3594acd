/** The values that operations take and answer. Made by `npm run clients` from the operations of the server; changes belong there. */

export interface ClaimedTask {
  /** 1 to 256 bytes of UTF-8. */
  readonly id: string;
  readonly data: unknown;
  /** From 1. */
  readonly attempt: number;
  /** The fencing token: show it to what the task writes to. */
  readonly token: number;
  readonly issuer: string;
  readonly resource: string;
  readonly key?: string;
  readonly tenant?: string;
  /** The name of its kind, if it was added with one. */
  readonly kind?: string;
  /** How long the attempt may take, in ms; the worker sees to that. */
  readonly timeout?: number;
  /** The handle, a secret: it goes into the header Holdfast-Lease. */
  readonly claim: string;
}

export interface Counts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly dead: number;
  /** Those whose results are kept. */
  readonly completed: number;
  /** Those whose reasons are kept. */
  readonly cancelled: number;
  readonly paused: boolean;
  readonly breaker: 'closed' | 'open' | 'half-open';
  /** How long the task that is next has waited, in ms. */
  readonly oldest: number;
  readonly workers: number;
  readonly totals: {
    readonly completed: number;
    readonly failed: number;
    readonly retried: number;
    readonly [more: string]: unknown;
  };
}

export interface Drift {
  /** Absent where there is no baseline. */
  readonly since?: number;
  /** How many were looked at. */
  readonly rows: number;
  readonly features: readonly FeatureDrift[];
}

export interface Examination {
  readonly deployment: {
    readonly name: string;
    readonly parameters: string;
    readonly quarantine: number;
  };
  readonly summary: {
    readonly nodes: number;
    readonly voting: number;
    readonly quorum: number;
    /** How many more may fail before no lease can be granted. */
    readonly spare: number;
    /** In how many ms a node may be restarted without the loss of a renewed lease. */
    readonly restartIn?: number;
    readonly errors: number;
    readonly warnings: number;
    readonly notes: number;
  };
  readonly findings: readonly Finding[];
  readonly nodes: readonly NodeFacts[];
}

export interface FeatureDrift {
  readonly feature: string;
  /**
   * By the greater of the two indexes: below 0.1, up to 0.25, above. "unknown" without a baseline, or with fewer
   * than 200 rows on either side.
   */
  readonly verdict: 'stable' | 'moved' | 'changed' | 'unknown';
  /** The population stability index of its numbers. */
  readonly psi?: number;
  /** That of being null. */
  readonly nullPsi?: number;
  /** Of the baseline; absent where that lacks the feature. */
  readonly before?: {
    /** Rows. */
    readonly count: number;
    readonly nulls: number;
    /** Absent where there is no number. */
    readonly mean?: number;
  };
  readonly now: {
    /** Rows. */
    readonly count: number;
    readonly nulls: number;
    /** Absent where there is no number. */
    readonly mean?: number;
  };
  /** Shares of its numbers, by the tenths of the baseline. */
  readonly bins: readonly {
    /** Absent of the last one. */
    readonly upTo?: number;
    readonly before: number;
    readonly now: number;
  }[];
}

export interface Finding {
  /** An error makes leases fail or unsafe, a warning will if something else happens. */
  readonly severity: 'error' | 'warning' | 'note';
  readonly check: string;
  /** Absent if it is about the deployment as a whole. */
  readonly node?: string;
  readonly message: string;
  readonly advice: string;
}

export interface Holder {
  /** The handle of a lease. */
  readonly lease?: string;
  /** That of a task which a remote worker has, in place of a lease. */
  readonly claim?: string;
  /** Of a lease on several: which one. Default: the first. */
  readonly resource?: string;
}

export interface IndexHealth {
  readonly problems: readonly string[];
  readonly documents: number;
  /** Documents that were written and are not applied here yet. */
  readonly behind: number;
  /** Documents that do not fit into the memory. */
  readonly unapplied: number;
  readonly unreadable: number;
  /** Documents that wait for their vectors. */
  readonly waiting: number;
  readonly vectors: readonly {
    /** Empty if the vectors have no names. */
    readonly name: string;
    readonly vectors: number;
    readonly lists: number;
    readonly bytes: number;
  }[];
  readonly generations: readonly {
    readonly generation: string;
    readonly model: string;
    readonly state: 'live' | 'building' | 'kept' | 'dropping';
  }[];
}

export interface IndexInfo {
  readonly name: string;
  /** Documents, and deletions that are remembered. */
  readonly entries: number;
  /** The generation that is searched. */
  readonly live: string;
  readonly generations: number;
  readonly model: string;
  readonly epoch: string;
  /** When something was written last, in ms since the epoch. */
  readonly written: number;
  readonly [more: string]: unknown;
}

export interface LaneState {
  readonly lane: string;
  readonly rank?: number;
  /** The highest under which it was opened; absent if it is shared. */
  readonly token?: number;
  readonly issuer: string;
  readonly isFinished: boolean;
  /** How far all partitions have taken in what it follows. */
  readonly source: readonly {
    readonly partition: number;
    readonly name: string;
    readonly through?: string;
  }[];
}

export interface Lease {
  /** The handle, a secret: it goes into the header Holdfast-Lease. */
  readonly lease: string;
  readonly resource: string;
  /** The fencing token: show it to what you write to under the lease. */
  readonly token: number;
  readonly issuer: string;
  /** Of several: the others, in their order. */
  readonly others?: readonly {
    readonly resource: string;
    readonly token: number;
  }[];
  /**
   * For how long the lease is certainly valid, in ms, from the moment at which the client sent the request, plus
   * `waited`.
   */
  readonly validFor: number;
  /** How long the server has had the request, in ms. */
  readonly waited: number;
}

export interface Limits {
  /** The most tasks that may wait, delayed ones too; an add to a full queue is 429. */
  readonly waiting?: number;
  /** The most tasks that may be handled at a time, by all workers together. */
  readonly concurrency?: number;
  /** The most tasks that may begin within a time. */
  readonly rate?: {
    readonly max: number;
    /** In ms. */
    readonly per: number;
  };
  /** The same for the tasks of each key. */
  readonly keys?: {
    readonly concurrency?: number;
    readonly rate?: {
      readonly max: number;
      /** In ms. */
      readonly per: number;
    };
  };
  /** After so many failures within a time, no task begins for a while, and then one that is tried. */
  readonly breaker?: {
    readonly failures: number;
    /** In ms. */
    readonly within: number;
    /** In ms. */
    readonly pause: number;
  };
  /** How many results, events and dead letters are kept, and for how long. */
  readonly retain?: {
    readonly count?: number;
    /** In ms. */
    readonly age?: number;
    readonly events?: number;
    readonly dead?: {
      readonly count?: number;
      /** In ms. */
      readonly age?: number;
    };
  };
  /** 0 if none were ever set. */
  readonly version: number;
  readonly [more: string]: unknown;
}

export interface ListedLock {
  /** Of a permit "<semaphore>#<number>". */
  readonly resource: string;
  readonly kind: 'exclusive' | 'shared' | 'permit';
  readonly held: boolean;
  /** False where nodes that did not answer could make the difference. */
  readonly certain: boolean;
  readonly token?: number;
  readonly owner?: string;
  /** The owners of a lease that is shared. */
  readonly readers?: readonly string[];
  /** In ms, if nobody extends it. */
  readonly remaining?: number;
  /** The highest token that any node remembers. */
  readonly fence?: number;
  /** How many processes wait. */
  readonly waiting: number;
}

export interface Lock {
  readonly resource: string;
  readonly held: boolean;
  /** False where nodes that did not answer could make the difference. */
  readonly certain: boolean;
  readonly token?: number;
  readonly owner?: string;
  /** The owners of a lease that is shared. */
  readonly readers?: readonly string[];
  /** In ms, if nobody extends it. */
  readonly remaining?: number;
  /** The highest token that any node remembers. */
  readonly fence?: number;
  /** How many processes wait. */
  readonly waiting: number;
  readonly nodes: readonly {
    readonly node: string;
    readonly state: string;
    readonly [more: string]: unknown;
  }[];
}

export interface LockList {
  readonly locks: readonly ListedLock[];
  readonly more: boolean;
}

export interface NewTask {
  /** What the worker is given. */
  readonly data: unknown;
  /** While a task of this id lives, adding it again adds nothing. */
  readonly id?: string;
  /** In how many ms it may begin. Default 0. */
  readonly delay?: number;
  /** Higher goes first. Default 0. */
  readonly priority?: number;
  /** How often it is tried at most. Default 3. */
  readonly attempts?: number;
  /** How long it waits after a failed attempt. */
  readonly backoff?: {
    readonly type: 'constant' | 'linear' | 'exponential';
    /** Of the first retry, in ms. */
    readonly delay: number;
    /** The longest delay, in ms. Default an hour. */
    readonly limit?: number;
    /** The part that is random. Default 0.5. */
    readonly jitter?: number;
  };
  /** How long an attempt may take, in ms. Default: no limit. */
  readonly timeout?: number;
  /** Tasks of one key go in order. */
  readonly key?: string;
  /** For whom it is: those of several tenants begin in turns. */
  readonly tenant?: string;
  /** By which a worker chooses its handler. */
  readonly kind?: string;
  /** Tasks with the same key here count as one: for `within` ms, or until the first has begun or ended. */
  readonly deduplicate?:
    | {
        readonly key: string;
        readonly within: number;
        readonly keep?: 'first' | 'last';
      }
    | {
        readonly key: string;
        readonly until: 'begun' | 'ended';
        readonly within?: number;
      };
  /** For how many ms its result, or its dead letter, is kept. Default: as the queue says. */
  readonly retain?: {
    readonly age?: number;
    readonly dead?: {
      readonly age?: number;
    };
  };
  /** In how many ms it is too late to begin. */
  readonly expires?: number;
  /** Whose token it is added under: once a higher one was used, nothing is added under it. */
  readonly holder?: Holder;
}

export interface NodeFacts {
  readonly node: string;
  /** Whether it can vote now. */
  readonly votes: boolean;
  /** In how many ms a node votes that may have forgotten leases. */
  readonly votesIn?: number;
  /** Why nothing else is known of it. */
  readonly trouble?: string;
  readonly version?: string;
  /** Of the quickest of several PINGs, in ms. */
  readonly latency?: number;
  /** How far its clock is ahead of the server's, in ms. */
  readonly clock?: number;
  /** In bytes. */
  readonly memory?: {
    readonly used: number;
    /** 0 for none. */
    readonly limit: number;
  };
  readonly clients?: number;
  readonly replicas?: number;
  /** "appendonly <fsync>", "snapshots" or "none". */
  readonly persistence?: string;
  readonly missingRights?: readonly string[];
}

export interface Recorded {
  /** In ms since the epoch. */
  readonly at: number;
  readonly resource: string;
  /** A lease was granted, released or lost; or a token was refused. */
  readonly kind: 'granted' | 'ended' | 'lost' | 'refused';
  /** Of the lease; the one that was offered, if it was refused. */
  readonly token: number;
  readonly owner?: string;
  /** That which the guard has accepted. */
  readonly seen?: number;
  /** Why it was refused. */
  readonly reason?: string;
}

export interface Schedule {
  readonly name: string;
  /** The next tick, in ms since the epoch. */
  readonly next: number;
  /** Only with the right queues:data. */
  readonly data?: unknown;
  readonly [more: string]: unknown;
}

export interface StoreState {
  /** What somebody has to do something about. */
  readonly problems: readonly string[];
  readonly views: readonly ViewState[];
  readonly log: {
    /** Accepted rows that are in no file yet, if an exporter runs. */
    readonly entries: number;
    /** Of the first of them, in ms. */
    readonly age?: number;
  };
}

export interface Task {
  /** 1 to 256 bytes of UTF-8. */
  readonly id: string;
  readonly state: 'waiting' | 'active' | 'delayed' | 'dead' | 'completed' | 'cancelled';
  /** Only with the right queues:data, as are results and stacks. */
  readonly data?: unknown;
  readonly result?: unknown;
  /** Why it was cancelled. */
  readonly reason?: string;
  readonly key?: string;
  readonly tenant?: string;
  readonly kind?: string;
  readonly priority?: number;
  readonly added?: number;
  readonly begun?: number;
  readonly ended?: number;
  readonly attempt?: number;
  readonly failed?: number;
  readonly worker?: string;
  readonly progress?: unknown;
  /** Why something of it is missing: the server has no codec for it; see `--app`. */
  readonly encoded?: string;
  readonly errors?: readonly {
    readonly attempt: number;
    readonly at: number;
    readonly worker: string;
    readonly message: string;
    readonly [more: string]: unknown;
  }[];
  readonly [more: string]: unknown;
}

export interface ViewState {
  readonly name: string;
  readonly kind: string;
  readonly entity: string;
  /** Of its ids: one for most entities, none for "global". */
  readonly parts: readonly string[];
  readonly version: number;
  /** For how long a row holds after its event time, in ms. */
  readonly ttl?: number;
  readonly owner?: string;
  readonly description?: string;
  /** Whether its rows are written to the log, for exports. */
  readonly history: boolean;
  readonly fields: readonly string[];
  readonly types: Readonly<
    Record<
      string,
      {
        readonly kind: string;
        readonly size?: number;
        readonly optional: boolean;
      }
    >
  >;
  /** What each generation that was read before lacks of the one that is read. */
  readonly behind: Readonly<Record<string, readonly string[]>>;
  /** The generation that is read. */
  readonly live: string;
  /** In that. */
  readonly rows: number;
  /** The latest event time in it, in ms since the epoch. */
  readonly newest?: number;
  /** How long ago that is, in ms, by the store's clock. */
  readonly age?: number;
  /** Rows that the generation has refused, by why. */
  readonly refused: {
    readonly older: number;
    readonly equal: number;
    readonly late: number;
    readonly erased: number;
    readonly impossible: number;
  };
  readonly deadLetters: number;
  /** The oldest first. */
  readonly generations: readonly {
    readonly id: string;
    readonly state: string;
    readonly rows: number;
  }[];
}

export interface WaterfallRow {
  /** Its place in the function; empty of what comes from outside. */
  readonly step: string;
  readonly name: string;
  readonly kind: 'step' | 'once' | 'timer' | 'child' | 'message' | 'cancel' | 'takeover';
  /** "retried": an attempt that another has followed, or is to follow. */
  readonly state: 'open' | 'retried' | 'done' | 'failed' | 'fired' | 'came';
  readonly attempt?: number;
  readonly token?: number;
  /** In ms since the epoch, as `ended`. */
  readonly began?: number;
  readonly ended?: number;
  /** What it threw, when it is due, or the run of a child; with the right workflows:data. */
  readonly detail?: string;
}

export interface Webhook {
  /** 1 to 64 letters, digits, "_" and "-". */
  readonly name: string;
  readonly url: string;
  /** 1 to 64 letters, digits, "_" and "-"; or "<queue>@<group>" for a group of a queue. */
  readonly queue?: string;
  /** 1 to 64 letters, digits, "_" and "-". */
  readonly workflow?: string;
  /** Of which events. Default: all. */
  readonly kinds?: readonly (
    | 'added'
    | 'begun'
    | 'completed'
    | 'retried'
    | 'deferred'
    | 'failed'
    | 'progress'
    | 'removed'
    | 'cancelled'
    | 'stalled'
    | 'opened'
    | 'closed'
    | 'started'
    | 'waiting'
    | 'stuck'
    | 'ended'
    | 'gap'
  )[];
  readonly data: boolean;
  readonly since: number;
}
