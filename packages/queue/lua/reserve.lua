-- reserve: a place in time under a rate.
--
-- ARGV[1] id  ARGV[2] how much of the rate it takes  ARGV[3] the most in a time  ARGV[4] that time in ms
-- ARGV[5] for how many ms of the rate may be begun at once  ARGV[6] how far ahead places are given, in ms
--
-- Replies {'reserved', ms to wait, when that is over, in ms since the epoch}: for an id that is known, what is left of it; or
-- {'busy', ms until there may be a place}
--
-- Names keys: CLOCK, KEPT, ENDS
--
-- Stands on: rate
local id, amount, most, per, burst, ahead = ARGV[1], unpack(ARGV, 2, 6)
local FORGOTTEN = 3600000
for _, old in ipairs(redis.call('ZRANGEBYSCORE', ENDS, '-inf', millis, 'LIMIT', 0, 100)) do
  redis.call('ZREM', ENDS, old)
  redis.call('HDEL', KEPT, old)
end
local known = string.match(redis.call('HGET', KEPT, id) or '', '^%S+ (%S+)$')
if known then return {'reserved', string.format('%.0f', math.max(0, known - millis)), known} end

local used, cost = used_until(), amount * per / most
local wait = math.ceil(math.max(0, used + cost - millis - burst))
if wait > tonumber(ahead) and used > millis then return {'busy', string.format('%.0f', wait - ahead)} end
use_until(used + cost)
redis.call('HSET', KEPT, id, string.format('%.6f %.0f', amount, millis + wait))
redis.call('ZADD', ENDS, millis + wait + FORGOTTEN, id)
return {'reserved', string.format('%.0f', wait), string.format('%.0f', millis + wait)}
