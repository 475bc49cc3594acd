-- Prelude of the verbs that put and remove: tasks that are the same as others.
--
-- Stands on: replace, alive, windows
local FOREVER = 9007199254740991

-- The id of the existing task that is the same as one with this id and deduplication key, if any.
local function twin_of(id, key, keep)
  if is_alive(id) then return id end
  local ends, other = redis.call('ZSCORE', DEDUP, key), redis.call('HGET', DEDUPED, 'k:' .. key)
  if not ends or tonumber(ends) <= now then return end
  -- A worker of an older version ends no windows.
  local is_over = other and redis.call('HEXISTS', TASKS, other) == 0 and redis.call('HEXISTS', DEDUPED, 'u:' .. other) == 1
  if is_over then return end
  if keep ~= 'last' or other and can_be_replaced(other, key) then return other end
end

-- The same, and begins or prolongs the window of the deduplication key.
local function same_as(id, key, body, window, keep)
  local other = twin_of(id, key, keep)
  if other == id then return other end
  if key == '' then
    redis.call('HDEL', DEDUPED, 'i:' .. id, 'u:' .. id) -- those of an earlier task with this id
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
  redis.call('ZADD', DEDUP, tonumber(window) > 0 and now + window or FOREVER, key)
  redis.call('HSET', DEDUPED, 'k:' .. key, id, 'i:' .. id, key)
  if keep == 'begun' or keep == 'ended' then
    redis.call('HSET', DEDUPED, 'u:' .. id, keep)
    redis.call('HSET', META, 'unique', '1')
  else
    redis.call('HDEL', DEDUPED, 'u:' .. id)
  end
end
