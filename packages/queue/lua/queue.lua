-- Prelude of every verb: whether these scripts know the queue's layout, and the time. The keys: see src/keys.ts.
--
-- Stands on: redis/time
--
-- The key layout and the record formats that these scripts know. They touch nothing of a newer one.
local LAYOUT, is_new = 1, false
for queue = THINGS - 1, 0, -1 do
  use(queue)
  local layout = redis.call('HGET', META, 'layout')
  if layout and tonumber(layout) > LAYOUT then return redis.error_reply('HOLDFASTLAYOUT ' .. layout) end
  is_new = is_new or not layout
end
local GROUP, RETURNED = 'workers', '-'
local now = millis
