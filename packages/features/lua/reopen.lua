-- reopen: let rows into a generation again.
--
-- ARGV[1] view and generation  ARGV[2] number of the change by which it is opened
--
-- Replies {'reopened'}, or {'stale', number} if it is closed for a later one
--
-- Stands on: record
local closed = redis.call('HGET', RECORD, 'closed:' .. ARGV[1])
if closed and tonumber(closed) > tonumber(ARGV[2]) then return {'stale', tonumber(closed)} end
redis.call('HDEL', RECORD, 'closed:' .. ARGV[1])
return {'reopened'}
