-- Prelude of the verb that puts: the queues that it puts into, and whether they have room. Stands on queue.lua.
--
local queues = #KEYS / WIDTH
local most = {} -- by queue
for queue = 1, queues do
  use(queue - 1)
  most[queue] = redis.call('HGET', META, 'max')
end

local function waiting()
  local sum = redis.call('ZCARD', DELAYED) + redis.call('ZCARD', LINES)
  for _, level in ipairs(levels_of(redis.call('HGET', META, 'levels'))) do
    sum = sum + redis.call('XLEN', stream_of(level))
  end
  return sum
end

-- Whether one of the queues has no room.
local function is_full()
  for queue = 1, queues do
    use(queue - 1)
    if most[queue] and waiting() >= tonumber(most[queue]) then return true end
  end
  return false
end
