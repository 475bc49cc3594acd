/** Mistakes in how a queue encodes what its tasks carry. */
import type { Canary } from './canary.js';

const SRC = 'packages/queue/src';

export const PAYLOAD_CANARIES: readonly Canary[] = [
  {
    name: 'a handler is given what is encoded',
    about: 'The data of a task are handed on as they are kept.',
    changes: [
      {
        file: `${SRC}/handling.ts`,
        find: 'if (!isSealedHere(claimed)) return',
        replace: 'if (claimed) return',
      },
    ],
  },
  {
    name: 'what cannot be decoded is given up',
    about: 'A task becomes a dead letter because one worker has not been given the new key yet.',
    changes: [
      {
        file: `${SRC}/handling.ts`,
        find: 'return outcome ?? this.#giveUp(asKnown(claimed), task, now, messageOf(error));',
        replace: 'return outcome && this.#giveUp(asKnown(claimed), task, now, messageOf(error));',
      },
    ],
  },
  {
    name: 'errors are kept readable',
    about: 'The messages of errors, which may repeat the data, are not encoded.',
    changes: [
      {
        file: `${SRC}/payloads.ts`,
        find: 'return this.#coder ? sealFailure(this.#coder, failure) : failure;',
        replace: 'return this.#coder && failure.attempt < 0 ? sealFailure(this.#coder, failure) : failure;',
      },
    ],
  },
  {
    name: 'a schedule is readable',
    about: 'The data of a schedule, and so those of its tasks, are kept as they are.',
    changes: [
      {
        file: `${SRC}/administration.ts`,
        find: 'payloads.isCoded ? await payloads.sealedAs(json, of, await this.#scheduled(name)) : json;',
        replace: 'json;',
      },
    ],
  },
];
