-- log: add a line to the log of a task, if it is still with this session.
--
-- ARGV[1] session  ARGV[2] priority  ARGV[3] entry  ARGV[4] id  ARGV[5] the number of the attempt  ARGV[6] the line as JSON
--
-- Replies {'noted'}, or {'lost'} when the task is no longer with the session
--
-- Stands on: deliveries
if not redis.call('ZSCORE', SESSIONS, ARGV[1]) or not is_pending(ARGV[2], ARGV[3], ARGV[1]) then return {'lost'} end
local log = redis.call('HGET', LOGS, ARGV[4]) or ''
log = log .. string.format('%.0f', now) .. ' ' .. ARGV[5] .. ' ' .. ARGV[6] .. '\n'
-- The oldest lines make room, so that a log has at most 100 lines and 32,000 bytes.
local _, lines = string.gsub(log, '\n', '')
while lines > 1 and (lines > 100 or #log > 32000) do
  log, lines = string.sub(log, string.find(log, '\n', 1, true) + 1), lines - 1
end
redis.call('HSET', LOGS, ARGV[4], log)
return {'noted'}
