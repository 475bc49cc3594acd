-- retry: let a run that is stuck go on, over the journal that it has.
--
-- ARGV[1] run
--
-- Replies {'ready'}, {'going'} if it is not stuck, or {'unknown'} if it is not there or over
--
-- Stands on: ready
local entry = redis.call('HGET', LIVE, ARGV[1])
if not entry then return {'unknown'} end
if entry ~= 's' then return {'going'} end
redis.call('HDEL', STUCK, ARGV[1])
redis.call('HDEL', FALLS, ARGV[1])
make_ready(ARGV[1], false)
return {'ready'}
