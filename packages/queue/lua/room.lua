-- Prelude of the verb that puts: its queues, and whether they have room.
--
-- Stands on: push
local queues = THINGS
local most = {} -- by queue
for queue = 1, queues do
  use(queue - 1)
  most[queue] = redis.call('HGET', META, 'max')
end

-- The limit of one of the queues that have no room, if there is one.
local function reached()
  for queue = 1, queues do
    use(queue - 1)
    if most[queue] and unbegun() >= tonumber(most[queue]) then return most[queue] end
  end
end
