-- down: count a latch down, once for each id, and tell those who wait when it is at 0.
--
-- ARGV[1] id
--
-- Replies {'down', how many are left}; {'same', how many are left} for an id that was counted, or when none are left; or
-- {'unknown'}
--
-- Names keys: LATCH
local state = redis.call('HMGET', LATCH, 'left', 'keep')
local left, field = tonumber(state[1]), 'i:' .. ARGV[1]
if not left then return {'unknown'} end
if left == 0 or redis.call('HEXISTS', LATCH, field) == 1 then return {'same', left} end
left = left - 1
redis.call('HSET', LATCH, field, '1', 'left', left)
redis.call('PEXPIRE', LATCH, state[2])
-- Whoever is not told, because a user may not publish, looks again.
if left == 0 then redis.pcall('PUBLISH', LATCH, 'open') end
return {'down', left}
