-- Prelude of the verbs that put, remove and release, and of those that begin and end tasks: the windows of deduplication
-- keys, in which tasks count as one.
--
-- DEDUPED has the id of the task that began the window of a key, as 'k:<key>', the key of that id, as 'i:<id>', and as
-- 'u:<id>' what ends the window before its time, if anything: 'begun' or 'ended'. META notes in `unique` that there may be
-- such tasks.
--
-- Stands on: queue
local function end_window(key)
  local id = redis.call('HGET', DEDUPED, 'k:' .. key)
  redis.call('ZREM', DEDUP, key)
  redis.call('HDEL', DEDUPED, 'k:' .. key)
  if id and redis.call('HGET', DEDUPED, 'i:' .. id) == key then redis.call('HDEL', DEDUPED, 'i:' .. id, 'u:' .. id) end
end

-- From now on, a task is the same as no other.
local function forget_window(id)
  local key = redis.call('HGET', DEDUPED, 'i:' .. id)
  if key then end_window(key) end
end

-- Whether there may be such tasks. Verbs that have read META set it.
local unique = true

-- A task has begun, or has ended.
local function end_unique(id, how)
  if not unique then return end
  local what = redis.call('HGET', DEDUPED, 'u:' .. id)
  if what == how or what and how == 'ended' then forget_window(id) end
end
