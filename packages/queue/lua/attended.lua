-- Prelude of the verbs of sessions: since when there has been a worker at all times. A tick of a schedule that is after that
-- could be run, however busy the workers are; one that is before was missed.
--
-- Begins a session, or prolongs one that ends at `ends`, for so many ms. Where no other covers the time before, ticks were
-- missed until now.
--
-- Stands on: queue
local function prolong(session, ends, lease)
  if not ends or tonumber(ends) < now then
    local latest = redis.call('ZRANGE', SESSIONS, -1, -1, 'WITHSCORES')[2]
    if not latest or tonumber(latest) < now then redis.call('HSET', META, 'since', string.format('%.0f', now)) end
  end
  redis.call('ZADD', SESSIONS, now + lease, session)
end

-- The ticks that are due: schedule, what that is, and the tick, of each.
local function due_ticks()
  local due, ticks = redis.call('ZRANGEBYSCORE', TICKS, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 20), {}
  for index = 1, #due, 2 do
    ticks[#ticks + 1] = due[index]
    ticks[#ticks + 1] = redis.call('HGET', SCHEDULES, due[index])
    ticks[#ticks + 1] = due[index + 1]
  end
  return ticks
end
