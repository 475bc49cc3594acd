-- close: end a session; tasks that it still has are claimed by others at once.
--
-- ARGV[1] session
--
-- Replies {'closed'}
--
-- Stands on: reap, wake
if redis.call('ZSCORE', SESSIONS, ARGV[1]) then
  redis.call('ZADD', SESSIONS, 0, ARGV[1])
  if take_back(ARGV[1], levels_of(redis.call('HGET', META, 'levels'))) then
    end_session(ARGV[1])
  end
end
-- It may have been the only one that knew when something is due.
wake()
return {'closed'}
