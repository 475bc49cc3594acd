-- settle: what a call of a model has really used of its limit, once.
--
-- ARGV[1] id  ARGV[2] tokens  ARGV[3] requests a minute  ARGV[4] tokens a minute
-- ARGV[5] for how many ms of the limits may be begun at once
--
-- Replies {'settled'}, or {'unknown'} if it was before, or is forgotten
--
-- Names keys: CLOCK, KEPT, ENDS
local guessed = string.match(redis.call('HGET', KEPT, ARGV[1]) or '', '^(%S+)')
if not guessed then return {'unknown'} end
redis.call('HDEL', KEPT, ARGV[1])
redis.call('ZREM', ENDS, ARGV[1])
local at = tonumber(redis.call('HGET', CLOCK, 'tokens') or 0) + (ARGV[2] - guessed) * 60000 / ARGV[4]
redis.call('HSET', CLOCK, 'tokens', string.format('%.3f', at))
return {'settled'}
