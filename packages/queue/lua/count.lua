-- count: count the tasks in each state.
--
-- Replies {'counted', waiting, active, delayed, dead, completed, 'paused' or '', ms for which the oldest waits, sessions,
-- cancelled, the fields and counts of tally.lua, 'open', 'half-open' or 'closed' of the breaker}
--
-- Stands on: queue, streams, tally, breaker
local waiting, active, oldest = redis.call('ZCARD', JOINED), 0, 0
local meta = redis.call('HMGET', META, 'levels', 'returned', 'paused', 'breaker')
local returned = tonumber(meta[2] or 0)

local function waits_since(ms)
  oldest = math.max(oldest, now - ms)
end
local joined = redis.call('ZRANGE', JOINED, 0, 0, 'WITHSCORES')[2]
if joined then waits_since(math.floor(joined / 1000)) end
for _, level in ipairs(levels_of(meta[1])) do
  local stream = stream_of(level)
  local group = redis.pcall('XINFO', 'GROUPS', stream)
  local first = group[1] and not group.err and '(' .. group[1][8] or '-'
  local next_up = redis.call('XRANGE', stream, first, '+', 'COUNT', 1)[1]
  if next_up then waits_since(string.match(next_up[1], '^%d+')) end
  local back = returned > 0 and redis.pcall('XPENDING', stream, GROUP, '-', '+', 1, RETURNED)[1]
  if back then waits_since(string.match(back[1], '^%d+')) end
  local pending = redis.pcall('XPENDING', stream, GROUP)
  local held = pending.err and 0 or pending[1]
  waiting, active = waiting + redis.call('XLEN', stream) - held, active + held
end
waiting, active = waiting + returned, active - returned
local fields, totals = tally_fields(), {}
for index, total in ipairs(redis.call('HMGET', META, unpack(fields))) do
  totals[#totals + 1] = fields[index]
  totals[#totals + 1] = total or '0'
end
read_breaker(meta[4])
local state = not broken and 'closed' or broken > now and 'open' or 'half-open'
return {'counted', waiting, active, redis.call('ZCARD', DELAYED), redis.call('ZCARD', DEAD),
  redis.call('HLEN', RESULTS), meta[3] and 'paused' or '', oldest, redis.call('ZCARD', SESSIONS),
  redis.call('ZCARD', CANCELLED), totals, state}
