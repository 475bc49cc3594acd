-- confirm: note that replicas know the epoch.
--
-- ARGV[1] the epoch
--
-- Replies {'confirmed'}, or {'passed'} when there is another epoch by now
--
-- Stands on: queue, redis/epoch, wake
if epoch_of(redis.call('HMGET', META, 'server', 'epoch', 'token')) ~= ARGV[1] then return {'passed'} end
redis.call('HSET', META, 'confirmed', ARGV[1])
wake()
return {'confirmed'}
