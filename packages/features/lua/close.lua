-- close: let no more rows into a generation, until it is reopened.
--
-- ARGV[1] view and generation  ARGV[2] number of the change for which it is closed
--
-- Replies as `survey`, which says from then on what the generation has; or {'stale', number} if it is closed for a later one
--
-- Stands on: lanes
local closed = redis.call('HGET', RECORD, 'closed:' .. ARGV[1])
if closed and tonumber(closed) > tonumber(ARGV[2]) then return {'stale', tonumber(closed)} end
redis.call('HSET', RECORD, 'closed:' .. ARGV[1], ARGV[2])
return tell_lanes({'surveyed', epoch, redis.call('HGET', RECORD, 'rows:' .. ARGV[1]) or '0', string.format('%.0f', at)}, ARGV[1])
