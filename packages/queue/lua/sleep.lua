-- Prelude of the verbs after which workers sleep: until when they may, and whether they have left something.
--
-- In how many ms a task or a tick may be due; -1 if none is to come.
--
-- Stands on: queue, streams, wake
local function soonest(pause)
  for _, set in ipairs({DELAYED, SESSIONS, TICKS, PACED}) do
    local at = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
    local left = at and math.max(0, at - now)
    if left and (pause < 0 or left < pause) then pause = left end
  end
  return pause
end

-- Whether tasks wait that any worker may be given.
local function leaves_some(levels)
  if tonumber(redis.call('HGET', META, 'returned') or 0) > 0 then return true end
  for _, level in ipairs(levels) do
    local pending = redis.pcall('XPENDING', stream_of(level), GROUP)
    if redis.call('XLEN', stream_of(level)) > (pending.err and 0 or pending[1]) then return true end
  end
  return false
end

-- Wakes another worker if tasks are left for it. True if none are. While nobody sleeps, the bell has rung, and it is not
-- worth looking.
local function leave_to_others(levels)
  if redis.call('LLEN', BELL) > 0 then return false end
  local is_empty = not leaves_some(levels)
  if not is_empty then wake() end
  return is_empty
end
