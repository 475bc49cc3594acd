-- Prelude of the verbs that cancel tasks, and of the one that ends deliveries: tasks that were cancelled.
--
-- A task that a worker has is marked, by its place in CANCELLING. However its delivery ends, the task then ends as
-- cancelled, without a result and without effects. META counts the marks, so that who ends a delivery need not look.
--
-- Stands on: fans, notice, streams, windows
local marks = 0

local function mark(place, reason)
  if redis.call('HSETNX', CANCELLING, place, reason) == 1 then redis.call('HINCRBY', META, 'cancelling', 1) end
  redis.call('XADD', CANCELS, 'MAXLEN', 1000, '*', 'p', place, 'r', reason)
end

-- Takes the mark of a place away. Returns its reason, if there was one.
local function unmark(level, entry)
  local place = level .. ' ' .. entry
  local reason = redis.call('HGET', CANCELLING, place)
  if not reason then return end
  redis.call('HDEL', CANCELLING, place)
  redis.call('HINCRBY', META, 'cancelling', -1)
  return reason
end

-- Ends a task that has no entry any more.
local function end_as_cancelled(id, reason)
  for _, hash in ipairs({TASKS, PLACES, PROGRESS, RESULTS}) do redis.call('HDEL', hash, id) end
  redis.call('HSET', REASONS, id, reason)
  redis.call('ZADD', CANCELLED, now, id)
  notice(id, 'c', reason)
  gather(id, 'c' .. reason)
end

-- Ends the task of an entry that was delivered.
local function end_delivery_as_cancelled(level, entry, reason)
  local stream = stream_of(level)
  local found = redis.call('XRANGE', stream, entry, entry)[1]
  redis.call('XACK', stream, GROUP, entry)
  redis.call('XDEL', stream, entry)
  if not found then return end
  local id = tonumber(level) == 0 and entry or entry .. ':' .. level
  if found[2][1] == 'i' then id = found[2][2] end
  local record = redis.call('HGET', TASKS, id)
  local key = record and string.match(record, '^%d %d ([^\n]*)\n') or ''
  end_as_cancelled(id, reason)
  end_unique(id, 'ended')
  if key ~= '' then free_slot(key) end
end
