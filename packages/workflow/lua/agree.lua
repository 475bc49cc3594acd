-- agree: the number of partitions of an app, which the first that asks says for good. Only the first partition knows it.
--
-- ARGV[1] how many
--
-- Replies {'agreed', how many there are}
--
-- Stands on: part
if not layout then redis.call('HSET', META, 'layout', LAYOUT) end
redis.call('HSETNX', META, 'partitions', ARGV[1])
return {'agreed', redis.call('HGET', META, 'partitions')}
