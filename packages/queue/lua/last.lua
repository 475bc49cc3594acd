-- last: where the streams of what happens end. Stands on queue.lua.
--
-- Replies {'last', entry in the results, entry in the notices}
local reply = {'last'}
for _, stream in ipairs({EVENTS, NOTICES}) do
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  reply[#reply + 1] = last and last[1] or '0-0'
end
return reply
