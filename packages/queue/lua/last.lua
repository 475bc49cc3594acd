-- last: where the stream of events ends. Stands on queue.lua.
--
-- Replies {'last', entry}
local event = redis.call('XREVRANGE', EVENTS, '+', '-', 'COUNT', 1)[1]
return {'last', event and event[1] or '0-0'}
