/** Mistakes in the queue: in its Lua, and in its workers. */
import type { Canary } from './canary.js';

const LUA = 'packages/queue/lua';
const SRC = 'packages/queue/src';
const SHARED = 'packages/redis';

export const QUEUE_CANARIES: readonly Canary[] = [
  {
    name: 'a session that is over may work',
    about: 'Deliveries are ended and claimed for a session whose tasks others have been given.',
    changes: [
      {
        file: `${LUA}/work.lua`,
        find: "if not ends then return {'lost'} end",
        replace: '',
      },
      {
        file: `${LUA}/renew.lua`,
        find: "if not ends then return {'lost'} end",
        replace: '',
      },
    ],
  },
  {
    name: 'sessions reaped early',
    about: 'Tasks are taken from a worker before its lease is over.',
    changes: [
      {
        file: `${SHARED}/lua/sessions.lua`,
        find: "redis.call('ZRANGEBYSCORE', SESSIONS, '-inf', millis,",
        replace: "redis.call('ZRANGEBYSCORE', SESSIONS, '-inf', millis + 60,",
      },
    ],
  },
  {
    name: 'token of a delivery not raised',
    about: 'A token is the time, whatever was issued before.',
    changes: [
      {
        file: `${SHARED}/lua/epoch.lua`,
        find: 'math.max(micros, tonumber(last) + 1, tonumber(seen) + 1)',
        replace: 'micros',
      },
    ],
  },
  {
    name: 'a server that forgets keeps its epoch',
    about: 'Nobody notices that another server answers, or the same with an older memory.',
    changes: [
      {
        file: `${SHARED}/lua/epoch.lua`,
        find: 'if server == SERVER then return epoch, last end',
        replace: 'if server then return epoch, last end',
      },
    ],
  },
  {
    name: 'late calls claim',
    about: 'A call that was on its way for longer than a later one still claims tasks.',
    focus: 'late calls',
    changes: [{ file: `${LUA}/work.lua`, find: 'if late then want = 0 end', replace: '' }],
  },
  {
    name: 'late calls end twice',
    about: 'What a late call ends is not looked for, although its repetition may have ended it.',
    focus: 'late calls',
    changes: [
      {
        file: `${LUA}/work.lua`,
        find: "late or ARGV[6] == '1' or ARGV[7] ~= epoch",
        replace: "ARGV[6] == '1' or ARGV[7] ~= epoch",
      },
    ],
  },
  {
    name: 'repetitions end twice',
    about: 'A call whose answer was lost is repeated as if it were the first.',
    changes: [
      {
        file: `${SHARED}/src/numbered-calls.ts`,
        find: 'this.call(make, true)',
        replace: 'this.call(make, false)',
      },
    ],
  },
  {
    name: 'lost answers not reconciled',
    about: 'What a call has claimed whose answer was lost stays with a worker that does not know.',
    changes: [
      { file: `${SRC}/consumer.ts`, find: '      this.#isSure = false;\n      work', replace: '      work' },
      { file: `${SRC}/consumer.ts`, find: "if (this.#call.epoch !== '') this.#isSure = false;", replace: '' },
    ],
  },
  {
    name: 'validity from the answer',
    about: 'The lease of deliveries is counted from when the answer came, not from when the call was sent.',
    changes: [
      {
        file: `${SHARED}/src/session.ts`,
        find: 'validUntil(since, this.lease, ALLOWANCE)',
        replace: 'this.#clock.now() + this.lease',
      },
    ],
  },
  {
    name: 'begun without a valid lease',
    about: 'What was claimed is begun however long the answer was on its way.',
    changes: [
      {
        file: `${SRC}/consumer.ts`,
        find: 'this.#deliveries.begun < this.#options.concurrency && this.#session.isValid',
        replace: 'this.#deliveries.begun < this.#options.concurrency',
      },
      {
        file: `${SHARED}/src/session.ts`,
        find: 'validUntil(since, this.lease, ALLOWANCE)',
        replace: 'validUntil(this.#clock.now(), this.lease, ALLOWANCE)',
      },
    ],
  },
  {
    name: 'a signal that does not abort in time',
    about: 'A handler is told that its task is lost when Redis says so, not when the lease is over.',
    changes: [
      {
        file: `${SRC}/task.ts`,
        find: 'ends: this.#context.validUntil,',
        replace: 'ends: () => Number.MAX_SAFE_INTEGER,',
      },
    ],
  },
  {
    name: 'a session taken back is not handed on',
    about: 'The tasks of a worker that died are nobody’s, and nobody looks for them.',
    changes: [
      {
        file: `${LUA}/reap.lua`,
        find: "if moved > 0 then redis.call('HINCRBY', META, 'returned', moved) end",
        replace: '',
      },
    ],
  },
  {
    name: 'entries of removed tasks left',
    about: 'A task is removed, but not its entry, which stands for the next task of the same id.',
    changes: [
      {
        file: `${LUA}/take.lua`,
        find: "  redis.call('XDEL', stream, entry)\n",
        replace: '',
      },
    ],
  },
  {
    name: 'removed tasks deduplicate',
    about: 'Another task is the same as one that was removed, and is lost.',
    changes: [
      {
        file: `${LUA}/remove.lua`,
        find: "  forget_window(id)\n  if key ~= ''",
        replace: "  if key ~= ''",
      },
    ],
  },
  {
    name: 'last finds only what is delayed',
    about:
      'The last task of a deduplication key is added beside the first, which waits in a stream or in its line.',
    changes: [
      {
        file: `${LUA}/same.lua`,
        find: 'can_be_replaced(other, key)',
        replace: "redis.call('ZSCORE', DELAYED, other)",
      },
    ],
  },
  {
    name: 'removed from its line, but counted',
    about: 'A task that was removed while it waited for its key still counts.',
    changes: [{ file: `${LUA}/take.lua`, find: "  redis.call('ZREM', JOINED, id)\n", replace: '' }],
  },
  {
    name: 'a removed task keeps its slot',
    about: 'The next in the line of a key waits for a task that was removed.',
    changes: [
      {
        file: `${LUA}/remove.lua`,
        find: "  if key ~= '' and has_slot then free_slot(key) end\n",
        replace: '',
      },
    ],
  },
  {
    name: 'results of an earlier task',
    about: 'Where an id is used again, the result of the task before is given as that of the new one.',
    changes: [
      {
        file: `${LUA}/find.lua`,
        find: "local record = redis.call('HGET', TASKS, id)\n",
        replace: "local record = redis.call('HEXISTS', RESULTS, id) == 0 and redis.call('HGET', TASKS, id)\n",
      },
    ],
  },
  {
    name: 'a letter requeued over a living task',
    about: 'A dead letter takes the place of a task that was added under its id since.',
    changes: [
      {
        file: `${LUA}/requeue.lua`,
        find: "if is_alive(ARGV[1]) then return {'alive'} end\n",
        replace: '',
      },
    ],
  },
  {
    name: 'a purge that takes whatever has the id',
    about: 'A purge of dead letters takes out living tasks of their ids.',
    changes: [
      {
        file: `${LUA}/remove.lua`,
        find: "state ~= 'dead' and redis.call",
        replace: 'redis.call',
      },
    ],
  },
  {
    name: 'a slot passed on with its priority',
    about: 'The next task of a key goes by a priority that is not its own.',
    changes: [
      {
        file: `${LUA}/lines.lua`,
        find: 'if record then push_record(record, id) end',
        replace: "if record then push('3', id) end",
      },
    ],
  },
  {
    name: 'what was handed back is not listed',
    about: 'A list of what waits leaves out what workers gave up.',
    changes: [
      {
        file: `${LUA}/list.lua`,
        find: '    for _, level in ipairs(levels) do parts[#parts + 1] = pending_of(level, true) end\n',
        replace: '',
      },
    ],
  },
  {
    name: 'a retry gives its key away',
    about: 'A task of a key that waits for its next attempt lets others of the key begin.',
    changes: [
      {
        file: `${LUA}/settle.lua`,
        find: "    notice(id, 't', reason)\n",
        replace:
          "    notice(id, 't', reason)\n    if ARGV[arg + 1] ~= '' then free_slot(ARGV[arg + 1]) end\n",
      },
    ],
  },
  {
    name: 'the last of a line goes first',
    about: 'Tasks of a key do not go in the order in which they came.',
    changes: [
      {
        file: `${LUA}/lines.lua`,
        find: "  local next_ones = free > 0 and redis.call('ZRANGEBYLEX', LINES, from, to, 'LIMIT', 0, free) or {}\n",
        replace:
          "  local next_ones = free > 0 and redis.call('ZRANGEBYLEX', LINES, from, to, 'LIMIT', 0, 1000) or {}\n  next_ones = {next_ones[#next_ones]}\n",
      },
    ],
  },
  {
    name: 'slots of a key not counted',
    about: 'Every task of a key may go at once.',
    changes: [
      {
        file: `${LUA}/lines.lua`,
        find: '  if slots < limit and #',
        replace: '  if slots < 1000 and #',
      },
    ],
  },
  {
    name: 'a slot that is not passed on',
    about: 'When a task of a key has ended, the next in its line may not go.',
    changes: [
      {
        file: `${LUA}/lines.lua`,
        find: 'local next_ones = free > 0 and',
        replace: 'local next_ones = false and',
      },
    ],
  },
  {
    name: 'concurrency not counted',
    about: 'The limit of the queue is that of each call.',
    changes: [
      {
        file: `${LUA}/pace.lua`,
        find: 'math.min(want, limit - in_flight(levels))',
        replace: 'math.min(want, limit)',
      },
    ],
  },
  {
    name: 'effects apart from the end',
    about: 'Effects of a task are carried out although it has ended before.',
    changes: [
      {
        file: `${LUA}/endings.lua`,
        find: '    elseif skip then\n',
        replace: '    elseif skip then\n      if at > arg then carry_out(arg + 6, at - 1) end\n',
      },
    ],
  },
  {
    name: 'an add that is repeated adds again',
    about: 'A task that is there already, or was a moment ago, is not looked for.',
    changes: [
      {
        file: `${LUA}/putting.lua`,
        find: '  if other then return other end\n',
        replace: '',
      },
    ],
  },
  {
    name: 'sleepers not woken by what is due first',
    about: 'Nobody looks again when a task is added that is due before all others.',
    changes: [
      {
        file: `${LUA}/enlist.lua`,
        find: "  if redis.call('ZRANGE', DELAYED, 0, 0)[1] == id then wake() end\n",
        replace: '',
      },
    ],
  },
  {
    name: 'what was handed back is not announced',
    about: 'A worker that stops hands its tasks back, and nobody is told.',
    changes: [
      { file: `${LUA}/work.lua`, find: 'got + pushed + back > 0', replace: 'got + pushed > 0' },
      { file: `${LUA}/endings.lua`, find: "  redis.call('HINCRBY', META, 'returned', 1)\n", replace: '' },
    ],
  },
  {
    name: 'tokens before their time',
    about: 'A server that took over issues tokens above its time, although no replica knows its epoch.',
    changes: [
      {
        file: `${SHARED}/lua/epoch.lua`,
        find: '(IS_ALONE or is_confirmed) and micros + WINDOW or micros',
        replace: 'micros + WINDOW',
      },
    ],
  },
  {
    name: 'tokens further ahead than an epoch begins',
    about:
      'A server that has forgotten some of its tokens issues new ones more than a window above its time.',
    changes: [
      {
        file: `${SHARED}/lua/epoch.lua`,
        find: 'math.max(0, math.ceil((token - highest) / 1000))',
        replace: 'IS_ALONE and 0 or math.max(0, math.ceil((token - highest) / 1000))',
      },
    ],
  },
  {
    name: 'a rate that forgets early',
    about: 'What has begun counts for half of the time of a rate.',
    changes: [{ file: `${SHARED}/lua/window.lua`, find: 'at <= per then', replace: 'at <= per / 2 then' }],
  },
  {
    name: 'limits of whoever spoke last',
    about: 'Limits are replaced by those of an older version.',
    changes: [
      {
        file: `${LUA}/enter.lua`,
        find: "ARGV[1] ~= '' and tonumber(ARGV[1]) > (stored_version() or -1)",
        replace: "ARGV[1] ~= ''",
      },
    ],
  },
  {
    name: 'ticks that nobody asked for are missed',
    about: 'A tick counts as missed if it is found late, although a worker was there.',
    changes: [{ file: `${SRC}/ticks.ts`, find: 'since: since - LATE', replace: 'since: now - LATE / 10' }],
  },
];
