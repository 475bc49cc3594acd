-- bound: note how many tasks may wait. Stands on queue.lua.
--
-- ARGV[1] the number
--
-- Replies {'bound'}
redis.call('HSET', META, 'max', ARGV[1])
return {'bound'}
