-- renew: prolong a session, and with it all its deliveries.
--
-- ARGV[1] session  ARGV[2] its lease in ms
--
-- Replies {'renewed', the epoch, time in ms, since when there has always been a worker, the ticks that are due as due.lua
-- has them, the places of cancelled deliveries with the reason of each}, or {'lost'} when the session is over
--
-- Stands on: queue, redis/epoch, redis/sessions, due
local ends = redis.call('ZSCORE', SESSIONS, ARGV[1])
if not ends then return {'lost'} end
prolong(ARGV[1], ends, ARGV[2])
local meta = redis.call('HMGET', META, 'server', 'epoch', 'token', 'since', 'cancelling')
local epoch = epoch_of(meta)
local cancelling = tonumber(meta[5] or 0) > 0 and redis.call('HGETALL', CANCELLING) or {}
return {'renewed', epoch, string.format('%.0f', now), meta[4] or '0', due_ticks(), cancelling}
