-- Prelude of the verbs that put and remove: tasks that are the same as others.
--
-- Stands on: replace, queue
-- Ends the window of a deduplication key.
local function end_window(key)
  local id = redis.call('HGET', DEDUPED, 'k:' .. key)
  redis.call('ZREM', DEDUP, key)
  redis.call('HDEL', DEDUPED, 'k:' .. key)
  if id and redis.call('HGET', DEDUPED, 'i:' .. id) == key then redis.call('HDEL', DEDUPED, 'i:' .. id) end
end

-- After its removal, a task is the same as no other.
local function forget_window(id)
  local key = redis.call('HGET', DEDUPED, 'i:' .. id)
  if key then end_window(key) end
end

-- The id of the existing task that is the same as one with this id and deduplication key, if any.
local function twin_of(id, key, keep)
  if redis.call('HEXISTS', TASKS, id) == 1 then return id end
  local ends, other = redis.call('ZSCORE', DEDUP, key), redis.call('HGET', DEDUPED, 'k:' .. key)
  if not ends or tonumber(ends) <= now then return end
  if keep == 'first' or other and can_be_replaced(other, key) then return other end
end

-- The same, and begins or prolongs the window of the deduplication key.
local function same_as(id, key, body, window, keep)
  local other = twin_of(id, key, keep)
  if other == id then return other end
  if key == '' then
    redis.call('HDEL', DEDUPED, 'i:' .. id) -- that of an earlier task with this id
    return
  end
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', DEDUP, '-inf', now, 'LIMIT', 0, 10)) do
    end_window(old)
  end
  if other then
    if keep == 'last' then
      redis.call('ZADD', DEDUP, now + window, key)
      replace(other, body, now + window)
    end
    return other
  end
  if redis.call('HEXISTS', DEDUPED, 'k:' .. key) == 1 then end_window(key) end
  redis.call('ZADD', DEDUP, now + window, key)
  redis.call('HSET', DEDUPED, 'k:' .. key, id, 'i:' .. id, key)
end
