-- Prelude of the verbs that put entries into streams. Stands on queue.lua.
--
-- Notes that a priority is in use, so that workers look there.
local function note(priority)
  local noted = redis.call('HGET', META, 'levels') or ''
  if string.find(noted, priority, 1, true) then return end
  local levels = {}
  for level = 9, 1, -1 do
    if level == tonumber(priority) or string.find(noted, level, 1, true) then levels[#levels + 1] = level end
  end
  redis.call('HSET', META, 'levels', table.concat(levels))
  wake()
end

local function push(priority, field, value)
  if priority ~= '0' then note(priority) end
  return redis.call('XADD', stream_of(priority), '*', field, value)
end
