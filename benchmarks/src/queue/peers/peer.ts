/**
 * What is compared by `queue-peers`: task queues on brokers of several kinds, each behind the same few calls, used as its
 * documentation recommends where that is fastest.
 *
 * Guarantees: an add has resolved when the broker has taken the task. A peer connects to the broker that it is given, and
 * closes all that it opened.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** What each task carries; `at` is when it was added, if that is measured. */
export interface Payload {
  readonly text: string;
  readonly at?: number;
}

interface Adding {
  add(payload: Payload): Promise<unknown>;
  /** Several with as few calls as the peer can. */
  addMany(payloads: readonly Payload[]): Promise<unknown>;
  close(): Promise<unknown>;
}

export interface Working {
  close(): Promise<unknown>;
}

export interface Peer {
  readonly name: string;
  readonly broker: 'redis' | 'redis, fsync' | 'postgres' | 'rabbitmq';
  /** How many tasks it handles for one that the slowest does, so that all take about as long. */
  readonly pace: number;
  /** Whatever adding and working need to be there. The broker has nothing of this peer. */
  prepare(url: string): Promise<unknown>;
  /** Removes all that this peer has in the broker; nobody uses it. */
  clear(url: string): Promise<unknown>;
  adding(url: string): Promise<Adding>;
  /** Calls `handle` for each task, and then tells the broker that it is done. */
  working(url: string, concurrency: number, handle: (payload: Payload) => void): Promise<Working>;
}

/** Packages of peers that are not dependencies of this repository, and lie in a folder of their own. */
export const PACKAGES = ['amqplib@2.3.1', 'graphile-worker@0.16.6', 'pg-boss@10.4.2'] as const;

/** One of `PACKAGES`; installs all of them where they are not there. */
export async function requirePackage<T>(name: string): Promise<T> {
  const others = new URL('../../../../scripts/others.mjs', import.meta.url);
  const { npmPackages } = (await import(others.href)) as {
    npmPackages(folder: string, specs: readonly string[]): string;
  };
  return createRequire(join(npmPackages('queue-peers', PACKAGES), 'from-here.js'))(name) as T;
}
