-- run: add a task of a schedule now, beside its ticks.
--
-- ARGV[1] the schedule  ARGV[2] the schedule as it was read  ARGV[3] the id of the task  ARGV[4] its record
--
-- Replies {'run'}, {'busy'} when its last task has not ended and it does not overlap, or {'changed'} when it is another by
-- now
--
-- Stands on: known, occasions, alive
if redis.call('HGET', SCHEDULES, ARGV[1]) ~= ARGV[2] then return {'changed'} end
if is_alive(ARGV[3]) or is_busy(ARGV[1]) then return {'busy'} end
occasion(ARGV[1], ARGV[3], ARGV[4])
return {'run'}
