-- Prelude of the verbs that put: replaces a task that waits by a later one.
--
-- Stands on: take, enlist
-- Whether a task can be replaced: if it waits, anywhere. A task that a worker has, or that has ended, cannot.
local function can_be_replaced(id, key)
  local record = redis.call('HGET', TASKS, id)
  if not record or not string.find(record, '^%d %d [^\n]*\n') then return false end
  -- A later task with this id is not the one that began the window.
  if redis.call('HGET', DEDUPED, 'i:' .. id) ~= key then return false end
  local place = redis.call('HGET', PLACES, id)
  if not place then return true end
  local level, entry = string.match(place, '^(%d) (.*)$')
  local pending = redis.pcall('XPENDING', stream_of(level), GROUP, entry, entry, 1)
  return pending.err or not pending[1] or pending[1][2] == RETURNED
end

-- Takes a waiting task out of its place, and delays it with other data. Without a slot of its key: others may go first.
local function replace(id, body, due)
  local record = redis.call('HGET', TASKS, id)
  local priority, key = string.match(record, '^(%d) %d ([^\n]*)\n')
  local _, has_slot = take(id, record, key, '')
  for _, hash in ipairs({PLACES, PROGRESS}) do redis.call('HDEL', hash, id) end
  redis.call('HSET', TASKS, id, priority .. ' 0 ' .. key .. '\n' .. body)
  delay_until(id, due)
  if key ~= '' and has_slot then free_slot(key) end
end
