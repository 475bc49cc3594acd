-- Prelude of the verbs of a rate limiter: until when the rate is used up.
--
-- CLOCK has that time in ms, and the time in ms at which it was written: if that is still to come, the server's clock was set
-- back, and the rate with it.
--
-- Names keys: CLOCK
--
-- Stands on: redis/time
local function used_until()
  local used, written = string.match(redis.call('GET', CLOCK) or '', '^(%S+) (%S+)$')
  if not used then return millis end
  return math.max(used - math.max(0, written - millis), millis)
end

local function use_until(time)
  local left = string.format('%.0f', math.max(1, math.ceil(time - millis)))
  redis.call('SET', CLOCK, string.format('%.3f %.0f', time, millis), 'PX', left)
end
