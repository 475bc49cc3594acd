-- open: begin a session of a worker.
--
-- ARGV[1] session  ARGV[2] its lease in ms
--
-- Replies {'opened'}
--
-- Stands on: part, redis/sessions
if not layout then redis.call('HSET', META, 'layout', LAYOUT) end
prolong(ARGV[1], false, ARGV[2])
return {'opened'}
