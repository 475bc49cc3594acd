-- Prelude of the verb that claims: how many tasks may begin, and when to look again.
--
-- Stands on: queue, streams, probe, redis/window
local function read(level, session, count)
  local stream = stream_of(level)
  local reply = redis.pcall('XREADGROUP', 'GROUP', GROUP, session, 'COUNT', count, 'STREAMS', stream, '>')
  if reply and reply.err then
    redis.call('XGROUP', 'CREATE', stream, GROUP, '0', 'MKSTREAM')
    reply = redis.call('XREADGROUP', 'GROUP', GROUP, session, 'COUNT', count, 'STREAMS', stream, '>')
  end
  return reply and reply[1][2] or {}
end

-- Deliveries that have not ended.
local function in_flight(levels)
  local sum = 0
  for _, level in ipairs(levels) do
    local pending = redis.pcall('XPENDING', stream_of(level), GROUP)
    if not pending.err then sum = sum + pending[1] end
  end
  return sum - (redis.call('HGET', META, 'returned') or 0)
end

-- How many tasks may begin now, and in how many ms more may; -1 if that is not a matter of time.
local function admit(want, levels, limits)
  local limit, rate, per = unpack(limits, 1, 3)
  local pause
  want, pause = let_through(want)
  if limit and want > 0 then want = math.max(0, math.min(want, limit - in_flight(levels))) end
  if not rate or want == 0 then return want, pause end
  local allowed, at = allowance('', tonumber(rate), tonumber(per))
  return math.min(want, allowed), allowed < want and at - now or -1
end
