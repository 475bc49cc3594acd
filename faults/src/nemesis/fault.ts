/**
 * The faults that can be injected, each for a span of time and with its victims.
 */

/** How a link is disturbed. */
export type LinkFault =
  | 'slow'
  | 'throttled'
  | 'held'
  | 'dropped'
  | 'held-to-server'
  | 'held-to-client'
  | 'dropped-to-client'
  | 'cut'
  | 'refused';

/** A fault of a node or of a client. Numbers count from 0. */
export type Fault =
  /** SIGKILL, and a restart at the end: with its data, or with none. */
  | { readonly kind: 'kill-node'; readonly node: number; readonly empty: boolean }
  /** SIGKILL, and a restart without what the node wrote in the last `forgets` ms, as after a power failure. */
  | { readonly kind: 'cut-power'; readonly node: number; readonly forgets: number }
  | { readonly kind: 'freeze-node'; readonly node: number }
  /** `DEBUG SLEEP` for the whole span. */
  | { readonly kind: 'sleep-node'; readonly node: number }
  /** No byte more may be written to the node's files. */
  | { readonly kind: 'fill-disk'; readonly node: number }
  /** The node's clock goes back by a little, and stays so. */
  | { readonly kind: 'step-clock'; readonly node: number; readonly by: number }
  /** The node's clock is ahead by more than two windows while it lasts. */
  | { readonly kind: 'jump-clock'; readonly node: number; readonly by: number; readonly place: number }
  | { readonly kind: 'flush-node'; readonly node: number }
  /** Every node in turn is killed and restarted. */
  | { readonly kind: 'rolling-restart'; readonly empty: boolean }
  | { readonly kind: 'freeze-client'; readonly client: number }
  /** SIGKILL; another one takes its place at the end. */
  | { readonly kind: 'kill-client'; readonly client: number }
  | { readonly kind: 'link'; readonly how: LinkFault; readonly client: number; readonly node: number }
  /** One client is cut off from several nodes. */
  | {
      readonly kind: 'partition';
      readonly how: LinkFault;
      readonly client: number;
      readonly nodes: readonly number[];
    }
  /** The link by which a node is known to the other servers, and that of one client, if it has its own. */
  | { readonly kind: 'isolate-node'; readonly how: LinkFault; readonly node: number; readonly client: number }
  /** A sentinel, or a master that only votes. */
  | { readonly kind: 'freeze-watcher'; readonly watcher: number }
  | { readonly kind: 'kill-watcher'; readonly watcher: number }
  /** An operator asks for a failover. */
  | { readonly kind: 'failover' }
  /** The store of the ledger, which keeps what it has acknowledged. */
  | { readonly kind: 'kill-ledger' }
  | { readonly kind: 'freeze-ledger' }
  | { readonly kind: 'ledger-link'; readonly how: LinkFault; readonly client: number };

export type FaultKind = Fault['kind'];

/** A fault with its span, in ms since the beginning of the episode. */
export interface PlannedFault {
  readonly from: number;
  readonly until: number;
  readonly fault: Fault;
}
