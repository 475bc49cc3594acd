-- close: end a session; what it owns is ready for others at once, and none of that counts as a fall.
--
-- ARGV[1] session
--
-- Replies {'closed'}
--
-- Stands on: stuck, redis/sessions
if redis.call('ZSCORE', SESSIONS, ARGV[1]) then
  -- What is left after a call is taken back like that of a session that ran out.
  redis.call('ZADD', SESSIONS, 0, ARGV[1])
  if free(ARGV[1], false) then end_session(ARGV[1]) end
end
return {'closed'}
