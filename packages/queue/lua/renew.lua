-- renew: prolong a session, and with it all its deliveries. Stands on server.lua.
--
-- ARGV[1] session  ARGV[2] its lease in ms
--
-- Replies {'renewed', the epoch}, or {'lost'} when the session is over
if not redis.call('ZSCORE', SESSIONS, ARGV[1]) then return {'lost'} end
redis.call('ZADD', SESSIONS, now + ARGV[2], ARGV[1])
local epoch = epoch_of(redis.call('HMGET', META, 'server', 'epoch', 'token'))
return {'renewed', epoch}
