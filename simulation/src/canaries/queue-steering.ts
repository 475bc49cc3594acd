/** Mistakes in what a queue is told of its tasks: that they are cancelled, that there is something to do. */
import type { Canary } from './canary.js';

const LUA = 'packages/queue/lua';

export const QUEUE_STEERING_CANARIES: readonly Canary[] = [
  {
    name: 'cancelled tasks complete',
    about: 'A handler that had not heard of the cancellation of its task completes it.',
    changes: [
      {
        file: `${LUA}/endings.lua`,
        find: 'marks > 0 and not skip and unmark(priority, entry)',
        replace: 'unmark(priority, entry) and nil',
      },
    ],
  },
];
