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

export interface Switches {
  readonly faults?: boolean;
  readonly fencing?: boolean;
}

export type FromShop =
  | { readonly kind: 'open'; readonly port: number }
  | ({ readonly kind: 'switch' } & Switches);
