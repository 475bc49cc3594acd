-- hurry: let all delayed tasks begin now, as if their time had come, and a breaker that is open be half-open. For the tests
-- of users of the queue.
--
-- Replies {'hurried', how many}
--
-- Stands on: lines
local ids = redis.call('ZRANGE', DELAYED, 0, -1)
let_go(redis.call('ZRANGE', PACED, 0, -1))
redis.call('DEL', DELAYED)
for _, id in ipairs(ids) do release(id) end
if redis.call('HEXISTS', META, 'broken') == 1 then
  redis.call('HSET', META, 'broken', string.format('%.0f', now))
  wake()
end
return {'hurried', #ids}
