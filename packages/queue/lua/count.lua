-- count: how many tasks there are in each state. Stands on queue.lua.
--
-- Replies {'counted', waiting, active, delayed, dead, completed, 'paused' or '', ms for which the oldest waits, sessions}
local waiting, active, oldest = redis.call('ZCARD', LINES) + redis.call('ZCARD', PACED), 0, 0
local meta = redis.call('HMGET', META, 'levels', 'returned', 'turns', 'paused')
for _, level in ipairs(levels_of(meta[1])) do
  local stream = stream_of(level)
  local group = redis.pcall('XINFO', 'GROUPS', stream)
  local first = group[1] and not group.err and '(' .. group[1][8] or '-'
  local next_up = redis.call('XRANGE', stream, first, '+', 'COUNT', 1)[1]
  if next_up then oldest = math.max(oldest, now - string.match(next_up[1], '^%d+')) end
  local pending = redis.pcall('XPENDING', stream, GROUP)
  local held = pending.err and 0 or pending[1]
  waiting, active = waiting + redis.call('XLEN', stream) - held, active + held
end
local returned = tonumber(meta[2] or 0)
waiting, active = waiting + returned - tonumber(meta[3] or 0), active - returned
return {'counted', waiting, active, redis.call('ZCARD', DELAYED), redis.call('ZCARD', DEAD),
  redis.call('HLEN', RESULTS), meta[4] and 'paused' or '', oldest, redis.call('ZCARD', SESSIONS)}
