-- spend: how much of the rate a reservation has really taken, once.
--
-- ARGV[1] id  ARGV[2] how much it took  ARGV[3] the most in a time  ARGV[4] that time in ms
--
-- Replies {'settled'}, or {'unknown'} if it was before, or is forgotten
--
-- Names keys: CLOCK, KEPT, ENDS
--
-- Stands on: rate
local reserved = string.match(redis.call('HGET', KEPT, ARGV[1]) or '', '^(%S+)')
if not reserved then return {'unknown'} end
redis.call('HDEL', KEPT, ARGV[1])
redis.call('ZREM', ENDS, ARGV[1])
use_until(used_until() + (ARGV[2] - reserved) * ARGV[4] / ARGV[3])
return {'settled'}
