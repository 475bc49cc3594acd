/** Mistakes of workers: in what they do with what handlers and backoffs give them, and in how they stop. */
import type { Canary } from './canary.js';

const SRC = 'packages/queue/src';

export const WORKER_CANARIES: readonly Canary[] = [
  {
    name: 'what is thrown is not described with care',
    about: 'A handler that throws an object without a prototype breaks the worker that would write it down.',
    changes: [
      {
        file: `${SRC}/outcome.ts`,
        find: '    message: messageOf(error),',
        replace: '    message: String(error),',
      },
    ],
  },
  {
    name: 'a backoff of nonsense is believed',
    about: 'A custom backoff that gives NaN is sent to Redis.',
    changes: [
      {
        file: 'packages/kernel/src/retry-backoff.ts',
        find: "typeof delay === 'number' && Number.isFinite(delay)",
        replace: "typeof delay === 'number'",
      },
    ],
  },
  {
    name: 'a promise of a backoff is left alone',
    about: 'A custom backoff that is async and rejects ends the process.',
    changes: [
      {
        file: 'packages/kernel/src/retry-backoff.ts',
        find: 'Promise.resolve(delay).catch(() => {});',
        replace: '',
      },
    ],
  },
  {
    name: 'a result that cannot be kept fails its task',
    about: 'A handler that has succeeded is run again, because what it returned is not JSON.',
    changes: [
      { file: `${SRC}/results.ts`, find: 'return notKept(messageOf(error));', replace: 'throw error;' },
    ],
  },
  {
    name: 'a drain waits for a server that is away',
    about: 'A worker that has nothing waits until the server says what it may have.',
    changes: [
      {
        file: `${SRC}/consumer.ts`,
        find: 'if (isDrained(at)) this.#onDrained?.();',
        replace: 'if (isDrained(at) && at.isSure) this.#onDrained?.();',
      },
    ],
  },
];
