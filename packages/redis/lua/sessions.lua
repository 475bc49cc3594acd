-- Prelude of the verbs of sessions: the leases under which workers have everything that was delivered to them.
--
-- SESSIONS is a sorted set of sessions by the time at which they end, in ms; a session whose time is over ends when
-- somebody takes back its deliveries. Of META, a hash, it keeps the fields
--   call:<session>  the number of its latest call
--   since           the time since which there has always been a session, in ms
--
-- Names keys: META, SESSIONS
--
-- Stands on: time

-- Begins a session, or prolongs one that ends at `ends`, for so many ms. If no other session covers the time before,
-- there was none until now.
local function prolong(session, ends, lease)
  if not ends or tonumber(ends) < millis then
    local latest = redis.call('ZRANGE', SESSIONS, -1, -1, 'WITHSCORES')[2]
    if not latest or tonumber(latest) < millis then redis.call('HSET', META, 'since', string.format('%.0f', millis)) end
  end
  redis.call('ZADD', SESSIONS, millis + lease, session)
end

-- Calls of a session are numbered. False if a later one came first: this one was sent over a connection that broke.
local function is_next(session, number)
  local field = 'call:' .. session
  if tonumber(redis.call('HGET', META, field) or 0) >= tonumber(number) then return false end
  redis.call('HSET', META, field, number)
  return true
end

-- A session whose time is over, if there is one.
local function session_over()
  return redis.call('ZRANGEBYSCORE', SESSIONS, '-inf', millis, 'LIMIT', 0, 1)[1]
end

local function end_session(session)
  redis.call('ZREM', SESSIONS, session)
  redis.call('HDEL', META, 'call:' .. session)
end
