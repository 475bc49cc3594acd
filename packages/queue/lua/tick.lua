-- tick: add the tasks of a schedule's ticks that are due, and set the next one, unless somebody else has.
--
-- ARGV[1] the schedule  ARGV[2] the first of the ticks, in ms since the epoch  ARGV[3] the next one, or '' if there is none
-- then, for each task: ARGV its id, its record
--
-- Replies {'ticked'}, or {'passed'} when somebody else was first
--
-- Stands on: lines, stamp
local at = redis.call('ZSCORE', TICKS, ARGV[1])
if not at or tonumber(at) ~= tonumber(ARGV[2]) then return {'passed'} end
if ARGV[3] == '' then
  redis.call('ZREM', TICKS, ARGV[1])
else
  redis.call('ZADD', TICKS, ARGV[3], ARGV[1])
end
local announced = redis.call('HGET', META, 'announced')
for arg = 4, #ARGV, 2 do
  if redis.call('HEXISTS', TASKS, ARGV[arg]) == 0 then
    redis.call('HSET', TASKS, ARGV[arg], ARGV[arg + 1])
    if is_announced(announced, 'a') then move(ARGV[arg], 'a', '') end
    release(ARGV[arg])
  end
end
return {'ticked'}
