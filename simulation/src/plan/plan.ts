/**
 * A plan: everything that a run is made of, as plain data, so that it can be repeated, printed and made smaller.
 */
import type { Memory } from '../world/node.js';

/**
 * What every plan has, whatever is simulated. `S` is a step of a client. All durations and times are milliseconds of true
 * time, unless a name says otherwise.
 */
export interface RunPlan<S> {
  readonly seed: number;
  /** Besides the store. */
  readonly nodes: number;
  readonly deployment: { readonly persistence: 'none' | 'synchronous' };
  /** Microseconds. */
  readonly latency: { readonly base: number; readonly jitter: number };
  /** Whether the clients' library sends again what was not answered. */
  readonly resends: boolean;
  /** The nodes', then the store's. */
  readonly nodeClocks: readonly ClockPlan[];
  readonly clients: readonly ClientPlan<S>[];
  readonly faults: readonly Fault[];
  /** When all faults are healed. */
  readonly healAt: number;
  /** Whether clocks of nodes jump ahead, under which nobody promises that two leases are not valid at once. */
  readonly clocksJump: boolean;
  /** Whether another server may take the place of a node. */
  readonly failsOver?: boolean | undefined;
}

export interface Plan extends RunPlan<Step> {
  /** How the clients connect and what the deployment's parameters are. */
  readonly deployment: {
    readonly maxTtl: number;
    readonly window: number;
    readonly margin: number;
    readonly retention: number;
    readonly callTimeout: number;
    readonly persistence: 'none' | 'synchronous';
  };
  /** Whether somebody says at the start that the nodes are new. */
  readonly initialized: boolean;
  /** What everybody takes at once when all is well. */
  readonly contests: readonly (readonly [Kind, string])[];
}

export interface ClockPlan {
  readonly rate: number;
  readonly aheadMs: number;
}

export interface ClientPlan<S = Step> {
  readonly clock: ClockPlan;
  /** What goes on in the process at the same time. */
  readonly tasks: readonly (readonly S[])[];
}

/** What a task does next. `after` is for how long it thinks first. */
export type Step =
  | ({ readonly f: 'hold'; readonly kind: Kind; readonly resource: string } & Terms & {
        /** Guarded read-modify-writes, and extensions, spread over the time of holding. */
        readonly writes: number;
        readonly extensions: number;
        /** The TTL that extensions ask for. */
        readonly extendedTtl: number;
        /** How much of the time goes by before the first, the third, …; the rest before the others. */
        readonly pace: number;
        /** Goes on when its signal has aborted: writes, which the guard must judge, and extends. */
        readonly heedless: boolean;
        /** Renewed until it ends, by `using`. */
        readonly renewed: boolean;
        /** Of the semaphore that changes: the number that it believes, where that is not what was told last. */
        readonly believed?: number | undefined;
      })
  | {
      readonly f: 'resize';
      readonly after: number;
      /** The number that its handle was given, and the one that it asks for. */
      readonly believed: number;
      readonly permits: number;
      readonly ttl: number;
      readonly wait: number;
    }
  | ({ readonly f: 'several'; readonly resources: readonly string[] } & Terms)
  | {
      readonly f: 'issued';
      readonly after: number;
      readonly issuer: Issuer;
      readonly how: 'seal' | 'transfer' | 'forge';
      /** Between the seal and the write. */
      readonly hold: number;
    }
  | {
      readonly f: 'adopt';
      readonly after: number;
      readonly resource: string;
      readonly ttl: number;
      readonly hold: number;
    };

export type Kind = 'exclusive' | 'shared' | 'permit';

/** Of tokens, at the resource that two issuers share. */
export type Issuer = 'one' | 'two';

interface Terms {
  readonly after: number;
  readonly ttl: number;
  /** 0 is to try. */
  readonly wait: number;
  readonly hold: number;
  /** When the caller loses patience, if it does. */
  readonly abortAfter?: number | undefined;
}

type Direction = 'both' | 'up' | 'down';

export type Fault = { readonly at: number } & (
  | {
      readonly f: 'cut';
      readonly clients: readonly number[];
      readonly nodes: readonly number[];
      readonly direction: Direction;
      readonly for: number;
    }
  | {
      readonly f: 'lag';
      readonly clients: readonly number[];
      readonly nodes: readonly number[];
      readonly lag: number;
      readonly for: number;
    }
  | {
      readonly f: 'break';
      readonly client: number;
      readonly node: number;
      readonly lateness: number | undefined;
    }
  | { readonly f: 'freeze'; readonly node: number; readonly for: number }
  /** Its memory is full. */
  | { readonly f: 'full'; readonly node: number; readonly for: number }
  | { readonly f: 'slow'; readonly node: number; readonly by: number; readonly for: number }
  | {
      readonly f: 'crash';
      readonly node: number;
      readonly for: number;
      readonly memory: Memory;
      readonly savedBefore: number;
    }
  | { readonly f: 'flush'; readonly node: number }
  | { readonly f: 'pause'; readonly client: number; readonly for: number; readonly atReading: boolean }
  | { readonly f: 'kill'; readonly client: number; readonly for: number }
  | { readonly f: 'client clock'; readonly client: number; readonly by: number }
  | { readonly f: 'node clock'; readonly node: number; readonly by: number }
);

/** The resources of every run. */
export const EXCLUSIVE = ['a', 'b'] as const;
/** Rarely asked for. */
export const QUIET = 'q';
export const SHARED = 's';
export const SEMAPHORE = { name: 'm', permits: 2 } as const;
/** Whose number of permits changes. */
export const RESIZED = { name: 'n', permits: 2, most: 4 } as const;

export const EVERYTHING: readonly (readonly [Kind, string])[] = [
  ...EXCLUSIVE.map((resource) => ['exclusive', resource] as const),
  ['exclusive', SHARED],
  ['shared', SHARED],
  ['permit', SEMAPHORE.name],
];
