-- renew: prolong a session, and with it all its deliveries.
--
-- ARGV[1] session  ARGV[2] its lease in ms
--
-- Replies {'renewed', the epoch, time in ms, since when there has always been a worker, the ticks that are due as due.lua
-- has them, the places of cancelled deliveries with the reason of each, '1' if there is something to do or ''}, or {'lost'} when the session is over
--
-- Stands on: queue, redis/epoch, redis/sessions, due, retention, sleep
local ends = redis.call('ZSCORE', SESSIONS, ARGV[1])
if not ends then return {'lost'} end
prolong(ARGV[1], ends, ARGV[2])
local meta = redis.call('HMGET', META, 'server', 'epoch', 'token', 'since', 'cancelling', 'levels', 'paused',
  'keep', 'keep_for', 'dead_keep', 'dead_keep_for', 'owned', 'fans')
local epoch = epoch_of(meta)
fanned = meta[13]
-- While no task ends, nobody else does this.
forget({unpack(meta, 8, 12)})
forget_cancelled(meta[8], meta[9])
sweep()
local cancelling = tonumber(meta[5] or 0) > 0 and redis.call('HGETALL', CANCELLING) or {}
-- Whoever was woken for that may be gone, or may not answer.
local is_left = not meta[7] and (soonest(-1) == 0 or leaves_some(levels_of(meta[6])))
return {'renewed', epoch, string.format('%.0f', now), meta[4] or '0', due_ticks(), cancelling, is_left and '1' or ''}
