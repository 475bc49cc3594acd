-- retry: let a run that is stuck go on, over the journal that it has.
--
-- ARGV[1] run
--
-- Replies {'ready'}, {'going'} if it is not stuck, or {'unknown'} if it is not there or over
--
-- Stands on: ready
local life = life_of(redis.call('HGET', LIVE, ARGV[1]))
if not life then return {'unknown'} end
if life.word ~= 's' then return {'going'} end
take_out(ARGV[1], life)
redis.call('HDEL', FALLS, ARGV[1])
make_ready(ARGV[1], life, false)
return {'ready'}
