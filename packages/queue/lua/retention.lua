-- Prelude of the verbs that end tasks: how much is kept of those that have ended.
--
-- Stands on: queue

-- Deletes the logs of tasks that were forgotten, unless the id is that of another one by now: it lives, or has ended since.
local function forget_logs(ids)
  if redis.call('EXISTS', LOGS) == 0 then return end
  local is_used = {}
  for _, hash in ipairs({TASKS, RESULTS, LETTERS, REASONS}) do
    for index, found in ipairs(redis.call('HMGET', hash, unpack(ids))) do is_used[index] = is_used[index] or found end
  end
  for index, id in ipairs(ids) do
    if not is_used[index] then redis.call('HDEL', LOGS, id) end
  end
end

-- Deletes the oldest results, by number and by age in ms, some at a time.
local function forget(most, age)
  local excess = redis.call('XLEN', EVENTS) - most
  local oldest = excess > 100 and redis.call('XRANGE', EVENTS, '-', '+', 'COUNT', math.min(excess, 500))
    or redis.call('XRANGE', EVENTS, '-', string.format('%.0f', now - age), 'COUNT', 100)
  if #oldest == 0 then return end
  local ids = {}
  for _, event in ipairs(oldest) do ids[#ids + 1] = event[2][2] end
  local places = redis.call('HMGET', RESULTS, unpack(ids))
  local gone, entries = {}, {}
  for index, event in ipairs(oldest) do
    entries[index] = event[1]
    if places[index] == event[1] then gone[#gone + 1] = ids[index] end
  end
  redis.call('XDEL', EVENTS, unpack(entries))
  if #gone == 0 then return end
  redis.call('HDEL', RESULTS, unpack(gone))
  forget_logs(gone)
end

-- Deletes the oldest of a set of tasks by the time at which they ended, and what a hash has of them: those that are too
-- many or, by their age in ms, too old, some at a time.
local function forget_ended(set, hash, most, age)
  local count = redis.call('ZCARD', set)
  if count == 0 then return end
  local old = count > most and redis.call('ZRANGE', set, 0, math.min(count - most, 500) - 1)
    or redis.call('ZRANGEBYSCORE', set, '-inf', string.format('%.0f', now - age), 'LIMIT', 0, 100)
  if #old == 0 then return end
  redis.call('ZREM', set, unpack(old))
  redis.call('HDEL', hash, unpack(old))
  forget_logs(old)
end
