-- Prelude of every verb: the keys of a queue, and what stands where.
--
-- A task that waits stands in the stream of its priority, as an entry with
--   d <data> o <options>  all of it: most tasks
--   i <id>                its record is in TASKS
-- A record is "<priority> <holds> <key>\n<body>": holds is 1 if the task keeps a slot of its key while it is delayed.
-- A task with a record is in one place: PLACES says where its entry is, or its id is in DELAYED or in JOINED; in the
-- latter case it is also in LINES, or has a slot and is in PACED.
-- Who is delivered an entry is its consumer, and a consumer is a session of a worker; RETURNED is nobody's.
--
-- KEYS[1] settings and counters: layout token server epoch confirmed levels returned paused seq since call:<session>, and the
-- declared limits: limits max limit rate per key_limit key_rate key_per
-- KEYS[2] sessions by the time at which they end  KEYS[3] records of tasks by id  KEYS[4] ids by the time they are due
-- KEYS[5] tasks that wait for a slot of their key, as key, number and id  KEYS[6] slots in use by key  KEYS[7] where
-- entries are, by id: priority and entry
-- KEYS[8] dead letters by time  KEYS[9] dead letters by id  KEYS[10] results, a stream
-- KEYS[11] their entries in it by id  KEYS[12] progress by id  KEYS[13] deduplication keys by the time they end
-- KEYS[14] ids by deduplication key, which has 'k:' before it, and the reverse, with 'i:'  KEYS[15] a stream that wakes who sleeps  KEYS[16] schedules by name
-- KEYS[17] schedules by their next tick  KEYS[18] ids that the rate of their key holds back, by the time they are due
-- KEYS[19] keys by the time from which nothing in their log counts
-- KEYS[20] ids that wait for their key, by their number: since when, in microseconds
-- KEYS[21] what else happened, a stream of the latest 1000: progress, failures and removals
-- KEYS[22] logs of what began lately, of the queue and of keys
-- then, for each priority from 0 to 9: KEYS its stream
-- A verb for several queues has these keys for each of them; use(n) turns to the n-th, from 0.
local META, SESSIONS, TASKS, DELAYED, LINES, SLOTS, PLACES, DEAD, LETTERS, EVENTS, RESULTS, PROGRESS
local DEDUP, DEDUPED, WAKE, SCHEDULES, TICKS, PACED, PACES, JOINED, NOTICES, BEGUN
local WIDTH, offset = 32, 0
local function use(number)
  offset = number * WIDTH
  META, SESSIONS, TASKS, DELAYED, LINES, SLOTS, PLACES, DEAD, LETTERS, EVENTS = unpack(KEYS, offset + 1, offset + 10)
  RESULTS, PROGRESS, DEDUP, DEDUPED, WAKE, SCHEDULES, TICKS, PACED, PACES, JOINED, NOTICES, BEGUN =
    unpack(KEYS, offset + 11, offset + 22)
end

local function stream_of(priority)
  return KEYS[offset + 23 + priority]
end
