-- Prelude of the verbs that tell workers which ticks of schedules are due. A tick after the time since which there has
-- always been a worker could be run, however busy the workers are; one before that time was missed.
--
-- Stands on: queue

-- The ticks that are due; for each, the schedule's name, the schedule, and the tick.
local function due_ticks()
  local due, ticks = redis.call('ZRANGEBYSCORE', TICKS, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 20), {}
  for index = 1, #due, 2 do
    ticks[#ticks + 1] = due[index]
    ticks[#ticks + 1] = redis.call('HGET', SCHEDULES, due[index])
    ticks[#ticks + 1] = due[index + 1]
  end
  return ticks
end
