/**
 * `holdfast queue`: looks at task queues and operates them.
 *
 * Guarantees: `ls`, `metrics`, `show` and `tail` change nothing. An action on a queue that does not exist says so,
 * instead of showing an empty one.
 */
import type { CommandGroup } from '../../command.js';
import { announce } from './announce.js';
import { change, promote, reschedule } from './change.js';
import { limits } from './limits.js';
import { ls } from './ls.js';
import { metrics } from './metrics.js';
import { cancel, pause, purge, release, resume, retry, weigh } from './operate.js';
import { schedules } from './schedules.js';
import { show } from './show.js';
import { tail } from './tail.js';

export const queue: CommandGroup = {
  name: 'queue',
  summary: 'Look at task queues, and operate them.',
  about: 'The Redis of the queues is given with --redis or REDIS_URL.',
  actions: [
    ls,
    metrics,
    show,
    tail,
    retry,
    cancel,
    reschedule,
    promote,
    change,
    release,
    weigh,
    pause,
    resume,
    purge,
    announce,
    limits,
    schedules,
  ],
};
