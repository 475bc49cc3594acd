-- Prelude of the verbs that add tasks of schedules. META keeps of a schedule that does not overlap its last task, in
-- last:<schedule>, and of one that ends after so many tasks how many there were, in ran:<schedule>.
--
-- Stands on: lines, stamp

-- Whether a schedule that does not overlap has a task that has not ended.
local function is_busy(schedule)
  local last = redis.call('HGET', META, 'last:' .. schedule)
  return last and redis.call('HEXISTS', TASKS, last) == 1
end

local function occasion(schedule, id, record)
  redis.call('HSET', TASKS, id, record)
  if redis.call('HEXISTS', META, 'last:' .. schedule) == 1 then redis.call('HSET', META, 'last:' .. schedule, id) end
  if is_announced(redis.call('HGET', META, 'announced'), 'a') then move(id, 'a', '') end
  release(id)
end

local function forget_occasions(schedule)
  redis.call('HDEL', META, 'last:' .. schedule, 'ran:' .. schedule)
end
