-- Prelude of the verbs that know deliveries: where they are, whose they are, and the calls of sessions.
--
-- Streams have ids in common.
--
-- Stands on: streams, queue
local function place_of(level, entry)
  return level .. ' ' .. entry
end

-- Calls of a session have numbers. False if a later one was first: this one was on its way over a connection that broke.
local function is_next(session, number)
  local field = 'call:' .. session
  if tonumber(redis.call('HGET', META, field) or 0) >= tonumber(number) then return false end
  redis.call('HSET', META, field, number)
  return true
end

local function end_session(session)
  redis.call('ZREM', SESSIONS, session)
  redis.call('HDEL', META, 'call:' .. session)
end

-- Whether a delivery is still with this session. A server that has forgotten may have no group.
local function is_pending(priority, entry, session)
  local pending = redis.pcall('XPENDING', stream_of(priority), GROUP, entry, entry, 1, session)
  return not pending.err and #pending > 0
end
