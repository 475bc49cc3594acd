-- hurry: let all delayed tasks begin now, as if their time had come. For the tests of users of the queue.
--
-- Replies {'hurried', how many}
--
-- Stands on: lines
local ids = redis.call('ZRANGE', DELAYED, 0, -1)
let_go(redis.call('ZRANGE', PACED, 0, -1))
redis.call('DEL', DELAYED)
for _, id in ipairs(ids) do release(id) end
return {'hurried', #ids}
