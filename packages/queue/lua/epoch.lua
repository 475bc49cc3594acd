-- epoch: which epoch it is, written once more, so that a WAIT behind this call says how many replicas know it.
--
-- Replies {'epoch', the epoch, how many replicas there are}
--
-- Stands on: queue, redis/epoch
local epoch = epoch_of(redis.call('HMGET', META, 'server', 'epoch', 'token'))
redis.call('HSET', META, 'epoch', epoch)
return {'epoch', epoch, REPLICAS}
