-- weigh: set how many tasks of a tenant are delivered in a turn.
--
-- ARGV[1] the tenant  ARGV[2] its weight
--
-- Replies {'weighed'}
--
-- Stands on: known, lines
local key = '\3' .. ARGV[1]
if ARGV[2] == '1' then redis.call('HDEL', WEIGHTS, ARGV[1]) else redis.call('HSET', WEIGHTS, ARGV[1], ARGV[2]) end
fill_slots(key, tonumber(redis.call('HGET', SLOTS, key) or 0))
return {'weighed'}
