-- progress: record the progress of a task, if it is still with this session.
--
-- ARGV[1] session  ARGV[2] priority  ARGV[3] entry  ARGV[4] id  ARGV[5] the progress
--
-- Replies {'noted'}, or {'lost'} when the task is no longer with the session
--
-- Stands on: deliveries, notice
if not redis.call('ZSCORE', SESSIONS, ARGV[1]) or not is_pending(ARGV[2], ARGV[3], ARGV[1]) then return {'lost'} end
redis.call('HSET', PROGRESS, ARGV[4], ARGV[5])
notice(ARGV[4], 'p', ARGV[5])
return {'noted'}
