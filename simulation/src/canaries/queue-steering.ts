/** Mistakes in what a queue is told of its tasks: that they are cancelled, that there is something to do. */
import type { Canary } from './canary.js';

const LUA = 'packages/queue/lua';
const SRC = 'packages/queue/src';

export const QUEUE_STEERING_CANARIES: readonly Canary[] = [
  {
    name: 'a stale holder adds',
    about: 'Tasks are added under a token although others were added under a higher one.',
    changes: [
      {
        file: `${LUA}/guarded.lua`,
        find: 'if refused then return refused end\n',
        replace: '',
      },
    ],
  },
  {
    name: 'a change that is told but not made',
    about: 'A task is changed while it waits in a line of its key, and delivered as it was.',
    changes: [
      {
        file: `${LUA}/change.lua`,
        find: "else\n  redis.call('HSET', TASKS, id, record)\nend\nreturn {'changed'}",
        replace: "end\nreturn {'changed'}",
      },
    ],
  },
  {
    name: 'a latch counts repetitions',
    about: 'An id that counts a latch down again counts once more.',
    changes: [
      {
        file: `${LUA}/down.lua`,
        find: "left == 0 or redis.call('HEXISTS', LATCH, field) == 1",
        replace: 'left == 0',
      },
    ],
  },
  {
    name: 'a latch lets the last one by',
    about: 'Whoever waits for a latch goes on while one is left.',
    changes: [
      {
        file: `${SRC}/latch.ts`,
        find: 'if (left === 0) return true;',
        replace: 'if (left === 1) return true;',
      },
    ],
  },
  {
    name: 'a stale holder fans out',
    about: 'Tasks and their follow-up are added under a token that is not checked.',
    changes: [
      {
        file: `${LUA}/fan.lua`,
        find: "local refused = ARGV[8] ~= '' and refused_under({unpack(ARGV, 8, 11)})\nif refused then return refused end\n",
        replace: '',
      },
    ],
  },
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
  {
    name: 'tasks that are tried again count twice',
    about: 'A dead letter that is requeued counts down to its follow-up once more.',
    changes: [{ file: `${LUA}/fans.lua`, find: "  redis.call('HDEL', MEMBERS, id)\n", replace: '' }],
  },
  {
    name: 'a follow-up comes early',
    about: 'A follow-up is added when all of its tasks but one have ended.',
    changes: [
      {
        file: `${LUA}/fans.lua`,
        find: 'if left > 0 then return end',
        replace: 'if left > 1 then return end',
      },
    ],
  },
  {
    name: 'cancelled tasks do not count',
    about: 'A follow-up waits for a task that was cancelled.',
    changes: [{ file: `${LUA}/cancelled.lua`, find: "  gather(id, 'c' .. reason)\n", replace: '' }],
  },
  {
    name: 'a call that sets limits forgets the concurrency',
    about: 'Limits that a call sets lack one that it names.',
    changes: [
      {
        file: `${SRC}/changing-limits.ts`,
        find: 'declareLimits({ ...settings, version })',
        replace: 'declareLimits({ ...settings, concurrency: undefined, version })',
      },
    ],
  },
  {
    name: 'schedules overlap',
    about: 'A tick adds a task although the last one of the schedule, which does not overlap, has not ended.',
    changes: [
      {
        file: `${LUA}/tick.lua`,
        find: '(not most or ran < most) and not is_busy(schedule)',
        replace: '(not most or ran < most)',
      },
    ],
  },
  {
    name: 'events have no common numbers',
    about: 'Each stream of events numbers its own, so that a cursor of one is no place in the others.',
    changes: [
      {
        file: `${LUA}/stamp.lua`,
        find: '  local id, most = stamp()\n',
        replace: "  local id, most = '*', 1000\n",
      },
    ],
  },
  {
    name: 'a worker that may not claim keeps to itself that it was woken',
    about: 'A worker that is woken, and is paused, stops or has no room, wakes no other in its place.',
    focus: 'full workers',
    changes: [
      {
        file: `${SRC}/consumer.ts`,
        find: "    if (phase === 'working' && !isPaused && held < concurrency) return;\n",
        replace: '    return;\n',
      },
    ],
  },
  {
    name: 'whoever is given all that it wanted wakes no other',
    about: 'A worker that leaves tasks for others does not wake one.',
    changes: [
      {
        file: `${LUA}/sleep.lua`,
        find: '  if not is_empty then wake() end\n',
        replace: '',
      },
    ],
  },
  {
    name: 'what rang during a call is forgotten',
    about: 'A worker sleeps although it was woken after the server had answered its call.',
    changes: [
      {
        file: `${SRC}/consumer.ts`,
        find: "    if (this.#supply === 'drained' && rings !== this.#rings) this.#supply = 'unknown';\n",
        replace: '',
      },
    ],
  },
  {
    name: 'what has a retention of its own goes with the others',
    about: 'A result that its task asks to be kept for longer is deleted when those of the queue are.',
    changes: [
      {
        file: `${LUA}/retention.lua`,
        find: 'delete_results(without_own(OWN, oldest))',
        replace: 'delete_results(oldest)',
      },
    ],
  },
  {
    name: 'who is unique until it has begun is so until it has ended',
    about: 'A task is given to a worker, and nothing else is added under its deduplication key meanwhile.',
    changes: [{ file: `${LUA}/entries.lua`, find: "      end_unique(fields[2], 'begun')\n", replace: '' }],
  },
  {
    name: 'who is unique until it has ended is so until it has begun',
    about: 'A task that a worker has does not keep others from being added under its deduplication key.',
    changes: [
      {
        file: `${LUA}/windows.lua`,
        find: "what == how or what and how == 'ended'",
        replace: 'what',
      },
    ],
  },
  {
    name: 'a tenant takes the turns of others',
    about: 'All tasks of a tenant go into the stream at once, before those that others add later.',
    changes: [
      {
        file: `${LUA}/turns.lua`,
        find: "tonumber(redis.call('HGET', WEIGHTS, string.sub(key, 2)) or 1)",
        replace: '1000',
      },
    ],
  },
  {
    name: 'a turn that is not passed on',
    about: 'A task of a tenant is delivered, and the next one stays in its line.',
    changes: [
      {
        file: `${LUA}/served.lua`,
        find: "tonumber(redis.call('HGET', SLOTS, key) or 1) - 1",
        replace: "tonumber(redis.call('HGET', SLOTS, key) or 1)",
      },
    ],
  },
  {
    name: 'a breaker that never opens',
    about: 'Attempts fail, and the breaker of the queue does not count them.',
    changes: [
      {
        file: `${LUA}/breaker.lua`,
        find: 'if sum >= breaker.failures then',
        replace: 'if sum > 2 * breaker.failures then',
      },
    ],
  },
  {
    name: 'a breaker that lets all through at once',
    about: 'When the pause of the breaker is over, all tasks begin, not one of them.',
    changes: [{ file: `${LUA}/probe.lua`, find: 'math.min(want, 1)', replace: 'want' }],
  },
  {
    name: 'a second probe beside the first',
    about: 'A half-open breaker lets a task begin while another is on trial.',
    changes: [{ file: `${LUA}/probe.lua`, find: ' and not is_probing()', replace: '' }],
  },
  {
    name: 'a breaker that does not close',
    about: 'The task on trial completes, and the breaker stays half-open.',
    changes: [
      {
        file: `${LUA}/breaker.lua`,
        find: " elseif word == 'done' or word == 'recorded' then close_breaker() end",
        replace: ' end',
      },
    ],
  },
  {
    name: 'nothing is deleted while no task ends',
    about: 'The renewal of a session deletes nothing of what has been kept for long enough.',
    changes: [
      {
        file: `${LUA}/renew.lua`,
        find: 'forget({unpack(meta, 8, 12)})\n',
        replace: '',
      },
    ],
  },
];
