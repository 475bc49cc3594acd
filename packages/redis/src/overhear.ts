/**
 * The events by which a user's client reports on its connection.
 *
 * Guarantees: a client has one listener of ours for each event, however many connections stand on it, and none once
 * they are closed. Errors are only observed: a client for which the user has set no error handler complains, or ends
 * the process, as it would without us.
 */
import { errorMonitor } from 'node:events';
import { reasonOf } from './connection.js';

/** The part of an EventEmitter that is used. */
export interface Emitter {
  on(event: string | symbol, listener: (...values: unknown[]) => void): unknown;
  off(event: string | symbol, listener: (...values: unknown[]) => void): unknown;
}

type Hear = (event: string | symbol, error?: unknown) => void;

/** The events with which a try to connect ends, in either library. */
const EVENTS = ['ready', 'close', 'reconnecting', 'end', errorMonitor] as const;

const heard = new WeakMap<Emitter, { readonly hearers: Set<Hear>; readonly detach: () => void }>();

/** Calls `hear` with each event, until the returned function is called. */
export function overhear(client: Emitter, hear: Hear): () => void {
  const present = heard.get(client) ?? attach(client);
  present.hearers.add(hear);
  return () => {
    if (!present.hearers.delete(hear) || present.hearers.size > 0) return;
    heard.delete(client);
    present.detach();
  };
}

function attach(client: Emitter) {
  const hearers = new Set<Hear>();
  const listeners = EVENTS.map((event) => {
    const listener = (error?: unknown): void => {
      for (const hear of [...hearers]) hear(event, error);
    };
    client.on(event, listener);
    return [event, listener] as const;
  });
  const detach = (): void => {
    for (const [event, listener] of listeners) client.off(event, listener);
  };
  const present = { hearers, detach };
  heard.set(client, present);
  return present;
}

/** Watches the state of a client, for one connection that stands on it. */
export class Watch {
  /** The client's last error, in words. */
  last = '';
  readonly #client: Emitter;
  readonly #waiting = new Set<() => void>();
  #stop: (() => void) | undefined;

  constructor(client: Emitter) {
    this.#client = client;
  }

  start(): void {
    this.#stop ??= overhear(this.#client, (event, error) => {
      if (event === errorMonitor) this.last = reasonOf(error);
      this.#settle();
    });
  }

  /** Resolves when the client has connected, or failed to. */
  tried(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#settle();
  }

  #settle(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
