-- Prelude of the verb that ends deliveries: how much is kept of tasks that have ended.
--
-- Deletes the oldest results, by number and by age in ms, some at a time.
--
-- Stands on: queue
local function forget(most, age)
  local excess = redis.call('XLEN', EVENTS) - most
  local oldest = excess > 100 and redis.call('XRANGE', EVENTS, '-', '+', 'COUNT', math.min(excess, 500))
    or redis.call('XRANGE', EVENTS, '-', string.format('%.0f', now - age), 'COUNT', 100)
  if #oldest == 0 then return end
  local ids = {}
  for _, event in ipairs(oldest) do ids[#ids + 1] = event[2][2] end
  local places = redis.call('HMGET', RESULTS, unpack(ids))
  local gone, entries = {}, {}
  for index, event in ipairs(oldest) do
    entries[index] = event[1]
    if places[index] == event[1] then gone[#gone + 1] = ids[index] end
  end
  redis.call('XDEL', EVENTS, unpack(entries))
  if #gone > 0 then redis.call('HDEL', RESULTS, unpack(gone)) end
end

-- Deletes the oldest dead letters, those that are too many or, by their age in ms, too old, some at a time.
local function forget_letters(most, age)
  local letters = redis.call('ZCARD', DEAD)
  if letters == 0 then return end
  local old = letters > most and redis.call('ZRANGE', DEAD, 0, math.min(letters - most, 500) - 1)
    or redis.call('ZRANGEBYSCORE', DEAD, '-inf', string.format('%.0f', now - age), 'LIMIT', 0, 100)
  if #old == 0 then return end
  redis.call('ZREM', DEAD, unpack(old))
  redis.call('HDEL', LETTERS, unpack(old))
end
