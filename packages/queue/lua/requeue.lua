-- requeue: let a dead letter be tried again from the beginning.
--
-- ARGV[1] its id  ARGV[2] its letter, as it was found  ARGV[3] its new record
--
-- Replies {'requeued'}, {'alive'} when there is a task of this id, so that the letter stays, or {'unknown'} when there is
-- no such letter any more
--
-- Stands on: lines, alive
if redis.call('HGET', LETTERS, ARGV[1]) ~= ARGV[2] then return {'unknown'} end
if is_alive(ARGV[1]) then return {'alive'} end
redis.call('HDEL', LETTERS, ARGV[1])
redis.call('ZREM', DEAD, ARGV[1])
redis.call('ZREM', OWN_DEAD, ARGV[1])
redis.call('HSET', TASKS, ARGV[1], ARGV[3])
-- A later task with this id may have been cancelled.
if redis.call('HDEL', REASONS, ARGV[1]) == 1 then redis.call('ZREM', CANCELLED, ARGV[1]) end
release(ARGV[1])
return {'requeued'}
