-- tick: set the next tick of a schedule, unless somebody else has. The runs of the ticks before it are there by then.
--
-- ARGV[1] the schedule  ARGV[2] the first of the ticks, in ms since the epoch  ARGV[3] the next one, or '' if there is none
--
-- Replies {'ticked'}, or {'passed'} when somebody else was first
--
-- Stands on: part
local at = redis.call('ZSCORE', TICKS, ARGV[1])
if not at or tonumber(at) ~= tonumber(ARGV[2]) then return {'passed'} end
if ARGV[3] == '' then
  redis.call('ZREM', TICKS, ARGV[1])
else
  redis.call('ZADD', TICKS, ARGV[3], ARGV[1])
end
return {'ticked'}
