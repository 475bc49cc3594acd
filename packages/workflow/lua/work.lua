-- work: renew a session, take back what one owns whose time is over, let go what is due, and claim runs.
--
-- ARGV[1] session  ARGV[2] its lease in ms  ARGV[3] how many runs are wanted  ARGV[4] the number of this call of the session
-- ARGV[5] the highest token that the worker knows of
-- then, for each workflow that the worker has: ARGV its name
--
-- Replies {'worked', time in ms, ms until something is due or -1, the epoch, the token of the first run, run, its
-- generation, ...}, each run with a token one above that before; or {'lost'} when the session is over
--
-- Stands on: ready, redis/epoch, redis/sessions
local session, want = ARGV[1], tonumber(ARGV[3])
local ends = redis.call('ZSCORE', SESSIONS, session)
if not ends or tonumber(ends) == 0 then return {'lost'} end
prolong(session, ends, ARGV[2])
local epoch, last = epoch_of(redis.call('HMGET', META, 'server', 'epoch', 'token'))
-- Nobody would hear of what a late call claims.
if not is_next(session, ARGV[4]) then want = 0 end

local over = session_over()
if over then
  redis.call('ZADD', SESSIONS, 0, over)
  if free(over, true) then end_session(over) end
end
for _, run in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', millis, 'LIMIT', 0, 500)) do
  redis.call('ZREM', DUE, run)
  if redis.call('HGET', LIVE, run) == 'p' then make_ready(run, false) end
end
-- Of runs that are kept no longer, the journals are gone by themselves.
for _, run in ipairs(redis.call('ZRANGEBYSCORE', ENDED, '-inf', millis, 'LIMIT', 0, 100)) do forget(run) end

local token, early = next_token(last, ARGV[5], false)
local reply, claimed = {'worked', string.format('%.0f', millis), '-1', epoch, string.format('%.0f', token)}, 0
for index = 6, #ARGV do
  local workflow = ARGV[index]
  local left = early > 0 and 0 or want - claimed
  local waiting = left > 0 and redis.call('ZRANGEBYLEX', WORK, '[r ' .. workflow .. ' ', '(r ' .. workflow .. '!', 'LIMIT', 0, left) or {}
  for _, entry in ipairs(waiting) do
    local run = string.sub(entry, #workflow + 21)
    redis.call('ZREM', WORK, entry)
    redis.call('ZADD', WORK, 0, 'o ' .. session .. ' ' .. run)
    redis.call('HSET', LIVE, run, string.format('%.0f:0:%s', token + claimed, session))
    claimed = claimed + 1
    reply[#reply + 1] = run
    reply[#reply + 1] = redis.call('HGET', GEN, run)
  end
  if #waiting < left then redis.call('ZADD', SLEEPERS, 0, workflow .. ' ' .. session) end
end
if claimed > 0 then redis.call('HSET', META, 'token', string.format('%.0f', token + claimed - 1)) end
local soon = early > 0 and want > 0 and early or -1
for _, set in ipairs({DUE, SESSIONS}) do
  local at = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
  local left = at and math.max(0, at - millis)
  if left and (soon < 0 or left < soon) then soon = left end
end
reply[3] = string.format('%.0f', soon)
return reply
