-- Prelude of every verb: the keys of one queue, the time, and what moves a task from one place to another.
--
-- A task that waits stands in the stream of its priority, as an entry with
--   d <data> o <options>  all of it: most tasks
--   i <id>                its record is in TASKS
-- A record is "<priority> <holds> <key>\n<body>": holds is 1 if the task keeps a slot of its key while it is delayed.
-- A task with a record is in one place: PLACES says where its entry is, or its id is in DELAYED or in JOINED; in the
-- latter case it is also in LINES, or has a slot and is in PACED.
-- Who is delivered an entry is its consumer, and a consumer is a session of a worker; RETURNED is nobody's.
--
-- KEYS[1] settings and counters: layout token server epoch levels returned paused next seq call:<session>, and the declared
-- limits: limits max limit rate per key_limit key_rate key_per
-- KEYS[2] sessions by the time at which they end  KEYS[3] records of tasks by id  KEYS[4] ids by the time they are due
-- KEYS[5] tasks that wait for a slot of their key, as key, number and id  KEYS[6] slots in use by key  KEYS[7] where
-- entries are, by id: priority and entry
-- KEYS[8] dead letters by time  KEYS[9] dead letters by id  KEYS[10] results, a stream
-- KEYS[11] their entries in it by id  KEYS[12] progress by id  KEYS[13] deduplication keys by the time they end
-- KEYS[14] ids by deduplication key, which has 'k:' before it, and the reverse, with 'i:'  KEYS[15] a stream that wakes who sleeps  KEYS[16] schedules by name
-- KEYS[17] schedules by their next tick  KEYS[18] ids that the rate of their key holds back, by the time they are due
-- KEYS[19] keys by the time from which their rate does not hold them back
-- KEYS[20] ids that wait for their key, by their number: since when, in microseconds
-- KEYS[21] what else happened, a stream of the latest 1000: progress, failures and removals
-- then, for each priority from 0 to 9: KEYS its stream
-- A verb for several queues has these keys for each of them; use(n) turns to the n-th, from 0.
local META, SESSIONS, TASKS, DELAYED, LINES, SLOTS, PLACES, DEAD, LETTERS, EVENTS, RESULTS, PROGRESS
local DEDUP, DEDUPED, WAKE, SCHEDULES, TICKS, PACED, PACES, JOINED, NOTICES
local WIDTH, offset = 31, 0
local function use(number)
  offset = number * WIDTH
  META, SESSIONS, TASKS, DELAYED, LINES, SLOTS, PLACES, DEAD, LETTERS, EVENTS = unpack(KEYS, offset + 1, offset + 10)
  RESULTS, PROGRESS, DEDUP, DEDUPED, WAKE, SCHEDULES, TICKS, PACED, PACES, JOINED, NOTICES =
    unpack(KEYS, offset + 11, offset + 21)
end
-- The key layout and the record formats that these scripts know. Of a newer one they touch nothing.
local LAYOUT, is_new = 1, false
for queue = #KEYS / WIDTH - 1, 0, -1 do
  use(queue)
  local layout = redis.call('HGET', META, 'layout')
  if layout and tonumber(layout) > LAYOUT then return {err = 'HOLDFASTLAYOUT ' .. layout} end
  is_new = is_new or not layout
end
local GROUP, RETURNED = 'workers', '-'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function stream_of(priority)
  return KEYS[offset + 22 + priority]
end

-- Tells readers of something that is not kept.
local function notice(id, kind, value)
  redis.call('XADD', NOTICES, 'MAXLEN', '~', 1000, '*', 'i', id, kind, value)
end

local function wake()
  redis.call('XADD', WAKE, 'MAXLEN', 1, '*', 'w', '1')
end

-- Priorities in use, highest first. Those above 0 are noted when they are first used.
local function levels_of(noted)
  local levels = {}
  for level in string.gmatch(noted or '', '%d') do levels[#levels + 1] = tonumber(level) end
  levels[#levels + 1] = 0
  return levels
end
