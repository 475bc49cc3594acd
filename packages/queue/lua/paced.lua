-- Prelude of the verbs that know keys: the tasks that the rate of a key holds back.
--
-- Stands on: push

-- Notes that a task waits for its key from now on. Returns its number, which is above those of all that wait.
local function join(id)
  local number = math.max(micros, tonumber(redis.call('HGET', META, 'seq') or 0) + 1)
  local text = string.format('%016d', number)
  redis.call('HSET', META, 'seq', text)
  redis.call('ZADD', JOINED, text, id)
  return text
end

-- Lets a task that has a slot of its key wait until `due`.
local function hold_back(id, due)
  redis.call('HDEL', PLACES, id)
  join(id)
  redis.call('ZADD', PACED, string.format('%.3f', due), id)
end

local function let_go(ids)
  for _, id in ipairs(ids) do
    redis.call('ZREM', PACED, id)
    redis.call('ZREM', JOINED, id)
    local record = redis.call('HGET', TASKS, id)
    if record then push_record(record, id) end
  end
end
