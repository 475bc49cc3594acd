-- Prelude of the verbs that know deliveries: their places, and their sessions.
--
-- Ids may occur in several streams.
--
-- Stands on: streams, queue
local function place_of(level, entry)
  return level .. ' ' .. entry
end

-- Whether a delivery is still with this session. A server that has forgotten may have no group.
local function is_pending(priority, entry, session)
  local pending = redis.pcall('XPENDING', stream_of(priority), GROUP, entry, entry, 1, session)
  return not pending.err and #pending > 0
end
