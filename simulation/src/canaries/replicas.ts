/** Mistakes in how rows are read from replicas. */
import type { Canary } from './canary.js';

const REPLICAS = 'packages/features/src/read/replicas.ts';

export const REPLICA_CANARIES: readonly Canary[] = [
  {
    name: 'a replica that is behind',
    about: 'Rows come from a replica however far it is behind.',
    focus: 'replicas',
    changes: [
      {
        file: REPLICAS,
        find: 'if (found === undefined || !(lag <= Math.min(maxLag, most)))',
        replace: 'if (found === undefined || lag !== lag)',
      },
    ],
  },
  {
    name: 'a replica that is fresh enough',
    about:
      'Reads that want something fresher than `maxLag` are answered by a replica that is as far behind as that.',
    focus: 'replicas',
    changes: [{ file: REPLICAS, find: 'Math.min(maxLag, most)', replace: 'Math.max(maxLag, most)' }],
  },
  {
    name: 'a replica that lacks a row',
    about: 'What a replica has not got yet is answered as missing.',
    focus: 'replicas',
    changes: [
      { file: REPLICAS, find: 'if (lacking.size === 0) return', replace: 'if (lacking.size >= 0) return' },
    ],
  },
  {
    name: 'a time of the master that stands still',
    about: 'How far a replica is behind is reckoned from when the time of the master was asked for last.',
    focus: 'replicas',
    changes: [
      {
        file: REPLICAS,
        find: '(this.#known.time - time) / 1_000 + this.#parts.clock.now() - this.#known.at',
        replace: '(this.#known.time - time) / 1_000',
      },
    ],
  },
  {
    name: 'a replica of no age',
    about: 'What a replica gives is said to be of now.',
    focus: 'replicas',
    changes: [
      {
        file: REPLICAS,
        find: 'const lags = keys.map(() => Math.max(0, lag));',
        replace: 'const lags = keys.map(() => Math.min(0, lag));',
      },
    ],
  },
];
