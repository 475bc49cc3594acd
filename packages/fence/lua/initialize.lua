-- initialize: declare that this store has lost no mark, on the word of somebody who knows that it is new.
--
-- KEYS[1] the guard's record
--
-- Replies {'initialized'}
--
-- Stands on: redis/server
identify()
redis.call('HSET', KEYS[1], 'server', SERVER, 'admitted', '0')
return {'initialized'}
