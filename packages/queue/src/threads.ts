/**
 * Handlers that keep a CPU busy: they run in threads of their own, so that leases are renewed meanwhile.
 *
 * Guarantees: a thread that ends, whatever the reason, is a failed attempt, and another takes its place. When the lease
 * is lost or the worker stops, the thread is ended. A NonRetryableError keeps its meaning here too (thread.mjs).
 */
import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import {
  display,
  MisuseError,
  messageOf,
  NonRetryableError,
  optional,
  type Readers,
  type Settings,
  stackOf,
  whole,
} from '@holdfast/kernel';
import { Piscina } from 'piscina';
import { NotKept } from './results.js';
import type { Task } from './task.js';
import { answerCalls } from './thread-calls.js';

export interface ThreadOptions {
  /** The module whose default export handles a task, a function of a `ThreadTask`: a file URL or an absolute path. */
  readonly module: URL | string;
  /** The most threads. Default: the worker's concurrency. */
  readonly max?: number;
}

export const THREADS = {
  module: urlOf,
  max: optional(whole(1, 1_024)),
} satisfies Readers<ThreadOptions>;

/**
 * The task that a handler in a thread is given: the parts of a task that can be copied, and those of its methods that can
 * be called from there, as those of a task elsewhere. What is called after the attempt has ended throws.
 */
export interface ThreadTask<Data = unknown> extends Pick<Task, 'log' | 'progress' | 'outcomes'> {
  /** As `defer` of a task, to be returned or thrown; a delay that cannot be fails the attempt. */
  defer(delay: number): { readonly delay: number };
  readonly id: string;
  readonly data: Data;
  readonly attempt: number;
  readonly token: number;
  readonly resource: string;
  readonly issuer: string;
  readonly key: string | undefined;
  readonly kind: string | undefined;
}

export interface Threads {
  readonly handle: (task: Task) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** The report of thread.mjs on an attempt: the value that the handler returned or threw, as far as it can be copied. */
export interface ThreadReply {
  readonly result?: unknown;
  readonly thrown?: unknown;
  readonly isNonRetryable?: boolean;
  /** What it gave to `task.defer`, if it has returned or thrown that. */
  readonly deferred?: unknown;
  /** Why there is neither. */
  readonly uncopied?: string;
}

/** The runner's URL, from which threads find it, also next to the built package. */
const RUNNER = new URL('../src/thread.mjs', import.meta.url).href;

/** Starts no thread yet. */
export function openThreads({ module, max }: Settings<typeof THREADS>, concurrency: number): Threads {
  const pool = new Piscina({ filename: RUNNER, minThreads: 0, maxThreads: max ?? concurrency });
  pool.on('error', () => {}); // of a thread that had nothing to do
  return {
    handle: async (given) => {
      const { id, data, attempt, token, resource, issuer, key, kind, signal } = given;
      const task = { id, data, attempt, token, resource, issuer, key, kind };
      const { port1: here, port2: port } = new MessageChannel();
      answerCalls(given, here);
      try {
        const reply: ThreadReply = await pool.run({ module, task, port }, { signal, transferList: [port] });
        return reply.deferred === undefined ? resultOf(reply) : given.defer(reply.deferred as number);
      } finally {
        here.close();
      }
    },
    close: () => pool.destroy(),
  };
}

/** The value that the handler returned. Throws the value that it threw. */
function resultOf(reply: ThreadReply): unknown {
  const { result, thrown, isNonRetryable, uncopied } = reply;
  if (isNonRetryable === undefined) return uncopied === undefined ? result : new NotKept(uncopied);
  const error = uncopied ?? thrown;
  if (!isNonRetryable) throw error;
  const again = new NonRetryableError(messageOf(error), { cause: error });
  again.stack = stackOf(error) ?? again.message;
  throw again;
}

/** The module's URL. Throws MisuseError, also if there is no such module. */
function urlOf(option: string, module: unknown): string {
  const path = pathOf(module);
  if (path === undefined) {
    throw new MisuseError(
      `${option} is the file URL or the absolute path of a module, as new URL("./resize.js", import.meta.url); got ${display(module)}.`,
    );
  }
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new MisuseError(`${option}: there is no file ${display(path)}.`);
  return pathToFileURL(path).href;
}

function pathOf(module: unknown): string | undefined {
  if (typeof module === 'string' && isAbsolute(module)) return module;
  const url = typeof module === 'string' && URL.canParse(module) ? new URL(module) : module;
  return url instanceof URL && url.protocol === 'file:' ? fileURLToPath(url) : undefined;
}
