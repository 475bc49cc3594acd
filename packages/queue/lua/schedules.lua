-- schedules: list all schedules.
--
-- Replies {'schedules', name, schedule, its next tick, ...}
--
-- Stands on: queue
local reply = {'schedules'}
for _, name in ipairs(redis.call('ZRANGE', TICKS, 0, -1)) do
  reply[#reply + 1] = name
  reply[#reply + 1] = redis.call('HGET', SCHEDULES, name)
  reply[#reply + 1] = redis.call('ZSCORE', TICKS, name)
end
return reply
