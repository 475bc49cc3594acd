-- cut: the generation that is being built is live from now on, if all documents have vectors of it.
--
-- ARGV[1] the token of the caller  ARGV[2] who issued it  ARGV[3] the generation  ARGV[4] how many documents at most may have changed
-- since its builder has looked
--
-- Replies {'cut', epoch, sequence}, or {'stale', token of the builder}, or {'behind', how many have changed}
--
-- Stands on: builder
if live == ARGV[3] and issuer == builder and token == mark then return {'cut', epoch, redis.call('HGET', META, 'n')} end
if not is_builder_of(ARGV[3]) then return {'stale', text_of(mark)} end
local found = redis.call('HMGET', META, 'through:' .. ARGV[3], 'begun:' .. ARGV[3])
local of, reached = string.match(found[1] or '', '^(%S+) (%d+)$')
if of ~= epoch then reached = '0' end
local left = redis.call('ZCOUNT', LOG, '(' .. reached, '+inf')
local is_seen = left == 0 or tonumber(reached) >= tonumber(found[2] or '0')
if left > tonumber(ARGV[4]) or not is_seen then return {'behind', left} end
local now = change({'live', ARGV[3]})
redis.call('HDEL', META, 'building', 'begun:' .. ARGV[3])
return {'cut', epoch, now}
