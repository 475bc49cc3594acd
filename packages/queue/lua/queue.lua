-- Prelude of every verb: whether these scripts know the queue's layout, the time, and what all verbs do. Stands on keys.lua.
--
-- The key layout and the record formats that these scripts know. Of a newer one they touch nothing.
local LAYOUT, is_new = 1, false
for queue = #KEYS / WIDTH - 1, 0, -1 do
  use(queue)
  local layout = redis.call('HGET', META, 'layout')
  if layout and tonumber(layout) > LAYOUT then return redis.error_reply('HOLDFASTLAYOUT ' .. layout) end
  is_new = is_new or not layout
end
local GROUP, RETURNED = 'workers', '-'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Tells readers of something that is not kept.
local function notice(id, kind, value)
  redis.call('XADD', NOTICES, 'MAXLEN', '~', 1000, '*', 'i', id, kind, value)
end

local function wake()
  redis.call('XADD', WAKE, 'MAXLEN', 1, '*', 'w', '1')
end

-- Priorities in use, highest first. Those above 0 are noted when they are first used.
local function levels_of(noted)
  local levels = {}
  for level in string.gmatch(noted or '', '%d') do levels[#levels + 1] = tonumber(level) end
  levels[#levels + 1] = 0
  return levels
end
