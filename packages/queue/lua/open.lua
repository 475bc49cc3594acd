-- open: begin a session of a worker.
--
-- ARGV[1] session  ARGV[2] its lease in ms
--
-- Replies {'opened', time in ms}
--
-- Stands on: known, redis/sessions
prolong(ARGV[1], false, ARGV[2])
return {'opened', string.format('%.0f', now)}
