-- logged: read the log of a task.
--
-- ARGV[1] id
--
-- Replies {'logged', the log: for each line its time in ms, the number of the attempt, the line as JSON}
--
-- Stands on: queue
return {'logged', redis.call('HGET', LOGS, ARGV[1]) or ''}
