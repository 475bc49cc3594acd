/**
 * `holdfast workflow`: looks at the runs of workflows and operates them, without the functions of the app.
 *
 * Guarantees: `ls`, `metrics`, `show`, `approvals` and `tail` change nothing, and nothing is made of an app that does not exist.
 */
import type { CommandGroup } from '../../command.js';
import { approvals, approve } from './approvals.js';
import { ls } from './ls.js';
import { cancel, purge, retry, terminate } from './many.js';
import { metrics } from './metrics.js';
import { fork, pause, resume } from './operate.js';
import { schedule } from './schedule.js';
import { show } from './show.js';
import { send, start } from './start.js';
import { tail } from './tail.js';

export const workflow: CommandGroup = {
  name: 'workflow',
  summary: 'Look at the runs of workflows, and operate them.',
  about: `The Redis of the workflows is given with --redis or REDIS_URL, and their app
with --app. Without their functions, no schema checks what is given to them.`,
  actions: [
    ls,
    metrics,
    show,
    tail,
    start,
    send,
    approvals,
    approve,
    cancel,
    terminate,
    retry,
    fork,
    schedule,
    pause,
    resume,
    purge,
  ],
};
