-- epoch: write the epoch once more, so that a WAIT after this call says how many replicas know it.
--
-- Replies {'epoch', the epoch, the number of replicas}
--
-- Stands on: queue, redis/epoch
local epoch = epoch_of(redis.call('HMGET', META, 'server', 'epoch', 'token'))
redis.call('HSET', META, 'epoch', epoch)
return {'epoch', epoch, REPLICAS}
