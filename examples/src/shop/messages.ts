/**
 * What the demonstration and its processes say to each other, over the IPC channel of `fork`.
 *
 * Guarantees: a worker reports a charge as made only after Redis has answered. Messages of one worker arrive in order. A worker
 * that is killed may have charged an order without having said so.
 */
import type { Booking } from './accounts.js';
import type { Plant } from './setting.js';

/** What a process of the shop is started with: its one argument, as JSON. */
export interface Task extends Plant {
  readonly name: string;
  readonly fenced: boolean;
  /** Of the page; 0 for a free one. */
  readonly port: number;
}

export type ToWorker =
  /** Whether to take your time before the next charge is written, as a fault is on its way. */
  | { readonly kind: 'linger'; readonly next: boolean }
  | { readonly kind: 'fencing'; readonly fenced: boolean };

interface Holding {
  readonly order: string;
  readonly account: string;
  readonly token: number;
}

export type FromWorker =
  | { readonly kind: 'ready' }
  /** It has sealed the account and read it, and has not written yet. */
  | ({ readonly kind: 'sealed'; readonly lingering: boolean } & Holding)
  | { readonly kind: 'charged'; readonly booking: Booking }
  | ({ readonly kind: 'refused'; readonly seen: number } & Holding);

/** What happened to a lease on an account: it was sealed, charged, or its holder was refused. `at`: in ms since the epoch. */
export interface Moment extends Holding {
  readonly kind: 'sealed' | 'charged' | 'refused';
  readonly worker: string;
  readonly at: number;
}

/** How the systems are that the shop stands on, as the shop sees them. */
export interface Systems {
  readonly pictures: { readonly waiting: number; readonly done: number };
  readonly checks: { readonly running: number; readonly done: number; readonly stuck: number };
  readonly purchases: number;
  /** What a search takes, in ms. */
  readonly search: number;
}

/** The state of the shop, as it is shown. */
export interface Snapshot {
  readonly orders: {
    readonly done: number;
    readonly waiting: number;
    readonly rate: number;
    readonly p99: number;
  };
  readonly chargedTwice: number;
  readonly refused: number;
  readonly nodes: readonly { readonly name: string; readonly state: string }[];
  readonly workers: readonly { readonly name: string; readonly state: string }[];
  /** Undefined until the shop has looked. */
  readonly systems: Systems | undefined;
  readonly faults: boolean;
  readonly fencing: boolean;
  /** The account that is watched, and what happened to it in the last 20 s. */
  readonly account: string;
  readonly moments: readonly Moment[];
  /** By the clock of this machine, in ms since the epoch. */
  readonly now: number;
}

export type ToShop =
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly kind: 'event'; readonly text: string };

export interface Switches {
  readonly faults?: boolean;
  readonly fencing?: boolean;
}

export type FromShop =
  | { readonly kind: 'open'; readonly port: number }
  | { readonly kind: 'systems'; readonly systems: Systems }
  | ({ readonly kind: 'switch' } & Switches);
