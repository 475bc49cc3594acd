-- tick: add the task of a tick and set the next one, unless somebody else has. Stands on lines.lua.
--
-- ARGV[1] the schedule  ARGV[2] the tick, in ms since the epoch  ARGV[3] the next tick, or '' if there is none
-- ARGV[4] the task's id, or '' if the tick is skipped  ARGV[5] its record
--
-- Replies {'ticked'}, or {'passed'} when somebody else was first
local at = redis.call('ZSCORE', TICKS, ARGV[1])
if not at or tonumber(at) ~= tonumber(ARGV[2]) then return {'passed'} end
if ARGV[3] == '' then
  redis.call('ZREM', TICKS, ARGV[1])
else
  redis.call('ZADD', TICKS, ARGV[3], ARGV[1])
end
if ARGV[4] ~= '' and redis.call('HEXISTS', TASKS, ARGV[4]) == 0 then
  redis.call('HSET', TASKS, ARGV[4], ARGV[5])
  release(ARGV[4])
end
return {'ticked'}
