-- Prelude of the verb that puts: the queues that it puts into, and whether they have room.
--
-- Stands on: push
local queues = THINGS
local most = {} -- by queue
for queue = 1, queues do
  use(queue - 1)
  most[queue] = redis.call('HGET', META, 'max')
end

-- Whether one of the queues has no room.
local function is_full()
  for queue = 1, queues do
    use(queue - 1)
    if most[queue] and unbegun() >= tonumber(most[queue]) then return true end
  end
  return false
end
