-- tick: add the tasks of a schedule's ticks that are due, and set the next one, unless somebody else has.
--
-- ARGV[1] the schedule  ARGV[2] the first of the ticks, in ms since the epoch  ARGV[3] the next one, or '' if there is none
-- ARGV[4] how many tasks its ticks add in all, or ''
-- then, for each task: ARGV its id, its record
--
-- Replies {'ticked'}, or {'passed'} when somebody else was first
--
-- Stands on: occasions, alive
local schedule, most = ARGV[1], tonumber(ARGV[4])
local at = redis.call('ZSCORE', TICKS, schedule)
if not at or tonumber(at) ~= tonumber(ARGV[2]) then return {'passed'} end
local ran = tonumber(redis.call('HGET', META, 'ran:' .. schedule) or 0)
for arg = 5, #ARGV, 2 do
  local may_run = (not most or ran < most) and not is_busy(schedule)
  if may_run and not is_alive(ARGV[arg]) then
    occasion(schedule, ARGV[arg], ARGV[arg + 1])
    ran = ran + 1
  end
end
if most then redis.call('HSET', META, 'ran:' .. schedule, ran) end
if ARGV[3] == '' or most and ran >= most then
  redis.call('ZREM', TICKS, schedule)
else
  redis.call('ZADD', TICKS, ARGV[3], schedule)
end
return {'ticked'}
