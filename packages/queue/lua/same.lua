-- Prelude of the verb that puts: tasks that are the same as others. Stands on queue.lua.
--
local function delay_until(id, due)
  redis.call('ZADD', DELAYED, due, id)
  if redis.call('ZRANGE', DELAYED, 0, 0)[1] == id then wake() end
end

-- The id of the task that this one is the same as.
local function same_as(id, key, body, window, keep)
  if redis.call('HEXISTS', TASKS, id) == 1 then return id end
  if key == '' then return end
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', DEDUP, '-inf', now, 'LIMIT', 0, 10)) do
    redis.call('ZREM', DEDUP, old)
    redis.call('HDEL', DEDUPED, old)
  end
  local ends, other = redis.call('ZSCORE', DEDUP, key), redis.call('HGET', DEDUPED, key)
  local waits = other and redis.call('ZSCORE', DELAYED, other)
  if ends and tonumber(ends) > now and (keep == 'first' or waits) then
    if keep == 'last' then
      local head = string.match(redis.call('HGET', TASKS, other), '^[^\n]*\n')
      redis.call('HSET', TASKS, other, head .. body)
      redis.call('ZADD', DEDUP, now + window, key)
      delay_until(other, now + window)
    end
    return other
  end
  redis.call('ZADD', DEDUP, now + window, key)
  redis.call('HSET', DEDUPED, key, id)
end
