-- latch: open a latch, or find it open.
--
-- ARGV[1] how many count-downs it takes  ARGV[2] for how many ms it is kept after the last change
--
-- Replies {'latched', how many are left}, or {'differs', how many it takes}
--
-- Names keys: LATCH
local state = redis.call('HMGET', LATCH, 'count', 'left')
if state[1] and state[1] ~= ARGV[1] then return {'differs', tonumber(state[1])} end
if state[1] then return {'latched', tonumber(state[2])} end
redis.call('HSET', LATCH, 'count', ARGV[1], 'left', ARGV[1], 'keep', ARGV[2])
redis.call('PEXPIRE', LATCH, ARGV[2])
return {'latched', tonumber(ARGV[1])}
