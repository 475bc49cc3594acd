-- last: read where the streams of events end.
--
-- Replies {'last', entry in the results, entry in the notices, entry in the moves}
--
-- Stands on: queue
local reply = {'last'}
for _, stream in ipairs({EVENTS, NOTICES, MOVES}) do
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  reply[#reply + 1] = last and last[1] or '0-0'
end
return reply
