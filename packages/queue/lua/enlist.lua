-- Prelude of the verbs that put tasks with records into a queue.
--
-- Stands on: lines, stamp
local function delay_until(id, due)
  redis.call('ZADD', DELAYED, due, id)
  if redis.call('ZRANGE', DELAYED, 0, 0)[1] == id then wake() end
end

-- A record or its body, with the times at which the task was added and, unless that is '', expires in so many ms.
local function with_times(text, expires)
  local times = expires == '' and string.format(',"w":%.0f}', now) or string.format(',"w":%.0f,"x":%.0f}', now, now + expires)
  return string.sub(text, 1, -2) .. times
end

-- Puts a task into the queue that is not there.
local function enlist(id, record, delay)
  redis.call('HSET', TASKS, id, record)
  -- An earlier task with this id may have been cancelled, or have a log.
  if redis.call('HDEL', REASONS, id) == 1 then redis.call('ZREM', CANCELLED, id) end
  redis.call('HDEL', LOGS, id)
  if is_announced(redis.call('HGET', META, 'announced'), 'a') then move(id, 'a', '') end
  if tonumber(delay) > 0 then delay_until(id, now + delay) else release(id) end
end
