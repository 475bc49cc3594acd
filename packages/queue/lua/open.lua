-- open: begin a session of a worker. Stands on known.lua.
--
-- ARGV[1] session  ARGV[2] its lease in ms
--
-- Replies {'opened', time in ms}
redis.call('ZADD', SESSIONS, now + ARGV[2], ARGV[1])
return {'opened', string.format('%.0f', now)}
