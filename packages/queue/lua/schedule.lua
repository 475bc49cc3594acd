-- schedule: set or remove a schedule.
--
-- ARGV[1] its name  ARGV[2] the schedule, or '' to remove it  ARGV[3] when its next tick is, in ms since the epoch, or ''
-- ARGV[4] '1' if it has no task beside one that has not ended, or ''
--
-- Replies {'scheduled'}, {'removed'}, or {'unknown'} when there was none to remove
--
-- Stands on: known, occasions, wake
if ARGV[2] == '' then
  redis.call('ZREM', TICKS, ARGV[1])
  forget_occasions(ARGV[1])
  return redis.call('HDEL', SCHEDULES, ARGV[1]) == 1 and {'removed'} or {'unknown'}
end
-- A schedule that is set again unchanged keeps its next tick, which may be due; one that is over stays so.
if redis.call('HGET', SCHEDULES, ARGV[1]) ~= ARGV[2] then
  redis.call('HSET', SCHEDULES, ARGV[1], ARGV[2])
  forget_occasions(ARGV[1])
  if ARGV[4] == '1' then redis.call('HSET', META, 'last:' .. ARGV[1], '') end
  if ARGV[3] == '' then
    redis.call('ZREM', TICKS, ARGV[1])
  else
    redis.call('ZADD', TICKS, ARGV[3], ARGV[1])
  end
  wake()
end
return {'scheduled'}
