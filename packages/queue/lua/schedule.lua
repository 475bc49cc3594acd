-- schedule: set or remove a schedule.
--
-- ARGV[1] its name  ARGV[2] the schedule, or '' to remove it  ARGV[3] when its next tick is, in ms since the epoch
--
-- Replies {'scheduled'}, {'removed'}, or {'unknown'} when there was none to remove
--
-- Stands on: known, wake
if ARGV[2] == '' then
  redis.call('ZREM', TICKS, ARGV[1])
  return redis.call('HDEL', SCHEDULES, ARGV[1]) == 1 and {'removed'} or {'unknown'}
end
-- A schedule that is set again unchanged keeps its next tick, which may be due.
if redis.call('HGET', SCHEDULES, ARGV[1]) ~= ARGV[2] or not redis.call('ZSCORE', TICKS, ARGV[1]) then
  redis.call('HSET', SCHEDULES, ARGV[1], ARGV[2])
  redis.call('ZADD', TICKS, ARGV[3], ARGV[1])
  wake()
end
return {'scheduled'}
