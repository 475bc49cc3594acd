-- left: how many count-downs a latch still takes.
--
-- Replies {'left', how many}, or {'unknown'}
--
-- Names keys: LATCH
local left = redis.call('HGET', LATCH, 'left')
if not left then return {'unknown'} end
return {'left', tonumber(left)}
