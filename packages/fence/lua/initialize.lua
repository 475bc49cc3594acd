-- initialize: declare that this store has lost no mark, on the word of somebody who knows that it is new.
--
-- KEYS[1] the guard's record
--
-- Replies {'initialized'}
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
redis.call('HSET', KEYS[1], 'run_id', run_id, 'admitted', '0')
return {'initialized'}
