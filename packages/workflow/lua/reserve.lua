-- reserve: a place in time for a call of a model, under limits of requests and tokens a minute.
--
-- ARGV[1] id  ARGV[2] how many tokens it may use  ARGV[3] requests a minute  ARGV[4] tokens a minute
-- ARGV[5] for how many ms of the limits may be begun at once
--
-- Replies {'reserved', ms to wait, when that is over, in ms since the epoch}: for an id that is known, what is left of it; or
-- {'busy', the same}: so much is reserved that it has to ask again then
--
-- Names keys: CLOCK, KEPT, ENDS
--
-- Stands on: redis/time
local id, tokens, requests, rate, burst = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local MINUTE, LONGEST, FORGOTTEN = 60000, 600000, 3600000
for _, old in ipairs(redis.call('ZRANGEBYSCORE', ENDS, '-inf', millis, 'LIMIT', 0, 100)) do
  redis.call('ZREM', ENDS, old)
  redis.call('HDEL', KEPT, old)
end
local known = string.match(redis.call('HGET', KEPT, id) or '', '^%S+ (%S+)$')
if known then return {'reserved', string.format('%.0f', math.max(0, known - millis)), known} end

-- Until when one of the limits is used up, if so much more of it is used. A clock that is far ahead is of a server that was.
local function used_until(field, most)
  local at = tonumber(redis.call('HGET', CLOCK, field) or 0)
  return math.min(math.max(at, millis), millis + burst + LONGEST + MINUTE) + most
end
local by_requests = used_until('requests', MINUTE / requests)
local by_tokens = used_until('tokens', tokens * MINUTE / rate)
local wait = math.ceil(math.max(0, by_requests - millis - burst, by_tokens - millis - burst))
if wait > LONGEST then return {'busy', string.format('%.0f', LONGEST), string.format('%.0f', millis + LONGEST)} end
redis.call('HSET', CLOCK, 'requests', string.format('%.3f', by_requests), 'tokens', string.format('%.3f', by_tokens))
redis.call('HSET', KEPT, id, string.format('%.0f %.0f', tokens, millis + wait))
redis.call('ZADD', ENDS, millis + wait + FORGOTTEN, id)
return {'reserved', string.format('%.0f', wait), string.format('%.0f', millis + wait)}
