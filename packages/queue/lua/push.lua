-- Prelude of the verbs that put entries into streams.
--
-- Notes that a priority is in use, so that workers look there.
--
-- Stands on: wake, streams, queue
local function note(priority)
  local noted = redis.call('HGET', META, 'levels') or ''
  if string.find(noted, priority, 1, true) then return end
  local levels = {}
  for level = 9, 1, -1 do
    if level == tonumber(priority) or string.find(noted, level, 1, true) then levels[#levels + 1] = level end
  end
  redis.call('HSET', META, 'levels', table.concat(levels))
end

-- How many were pushed in this call, and whether the verb itself wakes whoever is to have them.
local pushed, quiet = 0, false

-- Lets a task that has a record begin.
local function push(priority, id)
  if priority ~= '0' then note(priority) end
  local entry = redis.call('XADD', stream_of(priority), '*', 'i', id)
  redis.call('HSET', PLACES, id, priority .. ' ' .. entry)
  pushed = pushed + 1
  if not quiet then wake() end
end

-- The same, by its record. One that cannot be read goes without a priority: a worker makes a dead letter of it.
local function push_record(record, id)
  push(string.match(record, '^%d') or '0', id)
end

-- How many tasks wait, for whatever reason: those that no worker has.
local function unbegun()
  local meta = redis.call('HMGET', META, 'levels', 'returned')
  local sum = redis.call('ZCARD', DELAYED) + redis.call('ZCARD', JOINED) + (meta[2] or 0)
  for _, level in ipairs(levels_of(meta[1])) do
    local pending = redis.pcall('XPENDING', stream_of(level), GROUP)
    sum = sum + redis.call('XLEN', stream_of(level)) - (pending.err and 0 or pending[1])
  end
  return sum
end
