-- renew: prolong a session, and with it all that it owns.
--
-- ARGV[1] session  ARGV[2] its lease in ms
--
-- Replies {'renewed'}, or {'lost'} when the session is over
--
-- Stands on: part, redis/sessions
local ends = redis.call('ZSCORE', SESSIONS, ARGV[1])
if not ends or tonumber(ends) == 0 then return {'lost'} end
prolong(ARGV[1], ends, ARGV[2])
return {'renewed'}
