-- requeue: let a dead letter be tried again from the beginning. Stands on lines.lua.
--
-- ARGV[1] its id  ARGV[2] its letter, as it was found  ARGV[3] its new record
--
-- Replies {'requeued'}, or {'unknown'} when there is no such letter any more
if redis.call('HGET', LETTERS, ARGV[1]) ~= ARGV[2] then return {'unknown'} end
redis.call('HDEL', LETTERS, ARGV[1])
redis.call('ZREM', DEAD, ARGV[1])
if redis.call('HEXISTS', TASKS, ARGV[1]) == 0 then
  redis.call('HSET', TASKS, ARGV[1], ARGV[3])
  release(ARGV[1])
end
return {'requeued'}
