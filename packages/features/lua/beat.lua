-- beat: note the time of the master, by which its replicas show how far they are behind.
--
-- Replies {'done', the time in microseconds}
--
-- Stands on: redis/time
local time = string.format('%.0f', micros)
redis.call('SET', BEAT, time)
return {'done', time}
