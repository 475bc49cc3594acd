-- Prelude of the verb that ends deliveries: the tasks that have ended in this call, and their outcomes.
--
-- Stands on: fans, notice, tally, windows
local settled = {}
local finished = {} -- ids
local results = {} -- id, entry in EVENTS, ...
local own_age, own_dead_age = '', '' -- of the task that ends
local owned -- whether there may be tasks with a retention of their own

local function keep_own(set, age, member)
  redis.call('ZADD', set, string.format('%.0f', now + age), member)
  redis.call('HSET', META, 'owned', '1')
  owned = true
end

local function end_task(id, key)
  finished[#finished + 1] = id
  redis.call('HDEL', TASKS, id)
  redis.call('HDEL', PLACES, id)
  end_unique(id, 'ended')
  if key ~= '' then free_slot(key) end
end

local function bury(id, key, letter, reason)
  end_task(id, key)
  redis.call('HDEL', RESULTS, id) -- of an earlier task with this id
  redis.call('HSET', LETTERS, id, letter)
  redis.call('ZADD', DEAD, now, id)
  if own_dead_age ~= '' then
    keep_own(OWN_DEAD, own_dead_age, id)
  elseif owned then
    redis.call('ZREM', OWN_DEAD, id) -- an earlier letter of this id
  end
  notice(id, 'f', reason)
  tally('ends:dead', 1)
  gather(id, 'f' .. reason)
end

local function entry_id(priority, entry)
  return priority == '0' and entry or entry .. ':' .. priority
end
