-- schedule: set or remove a schedule.
--
-- ARGV[1] its name  ARGV[2] what it is, or '' to remove it  ARGV[3] when its next tick is, in ms since the epoch
--
-- Replies {'scheduled'}, {'removed'}, or {'unknown'} when there was none to remove
--
-- Stands on: part
if ARGV[2] == '' then
  redis.call('ZREM', TICKS, ARGV[1])
  return redis.call('HDEL', SCHEDULES, ARGV[1]) == 1 and {'removed'} or {'unknown'}
end
if not layout then redis.call('HSET', META, 'layout', LAYOUT) end
-- One that is set again as it was keeps its next tick, which may be due.
if redis.call('HGET', SCHEDULES, ARGV[1]) ~= ARGV[2] or not redis.call('ZSCORE', TICKS, ARGV[1]) then
  redis.call('HSET', SCHEDULES, ARGV[1], ARGV[2])
  redis.call('ZADD', TICKS, ARGV[3], ARGV[1])
end
return {'scheduled'}
