/**
 * Handlers that keep a CPU busy: they run in threads of their own, so that leases are renewed meanwhile.
 *
 * Guarantees: a thread that ends, whatever the reason, is a failed attempt, and another takes its place. When the lease is
 * lost or the worker stops, the thread is ended.
 */
import { MisuseError, requireKnown } from '@holdfast/kernel';
import { Piscina } from 'piscina';
import type { Task } from './task.js';
import { requireCount } from './task-options.js';

export interface ThreadOptions {
  /** The module whose default export handles a task: a function of a `ThreadTask`. */
  readonly module: URL | string;
  /** Threads at the most. Default: the worker's concurrency. */
  readonly max?: number;
}

/** What a handler in a thread is given: what can be copied of a task. */
export interface ThreadTask<Data = unknown> {
  readonly id: string;
  readonly data: Data;
  readonly attempt: number;
  readonly token: number;
  readonly resource: string;
  readonly issuer: string;
  readonly key: string | undefined;
}

export interface Threads {
  readonly handle: (task: Task) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** Starts no thread yet. Throws MisuseError. */
export function openThreads(options: ThreadOptions, concurrency: number): Threads {
  requireKnown('threads', options, ['module', 'max']);
  const module: unknown = options.module;
  if (!(module instanceof URL) && typeof module !== 'string') {
    throw new MisuseError(
      'threads.module is the URL or the path of a module, as new URL("./resize.js", import.meta.url).',
    );
  }
  const pool = new Piscina({
    filename: String(module),
    minThreads: 0,
    maxThreads: requireCount('threads.max', options.max ?? concurrency, { min: 1, max: 1_024 }),
  });
  pool.on('error', () => {}); // of a thread that had nothing to do
  return {
    handle: ({ id, data, attempt, token, resource, issuer, key, signal }) => {
      const copy: ThreadTask = { id, data, attempt, token, resource, issuer, key };
      return pool.run(copy, { signal });
    },
    close: () => pool.destroy(),
  };
}
