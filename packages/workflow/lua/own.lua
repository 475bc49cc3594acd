-- Prelude of the verb that starts: a run that whoever starts it owns at once.
--
-- Stands on: limits, redis/epoch

-- The token; nothing if the session may not own it: it is over, no token may be issued
-- yet, or limits do not let it begin. Then the run is as any other.
local function own_at_once(run, life, session, highest)
  local ends = redis.call('ZSCORE', SESSIONS, session)
  if not ends or tonumber(ends) <= millis then return nil end
  local _, allowed = admit(workflow_of(run), 1)
  if allowed == 0 then return nil end
  local _, last = epoch_of(redis.call('HMGET', META, 'server', 'epoch', 'token', 'ceiling'))
  local number, early = next_token(last, highest, false)
  if early > 0 then return nil end
  local token = string.format('%.0f', number)
  redis.call('HSET', META, 'token', token)
  begin(run, life)
  note_begins(workflow_of(run), 1)
  redis.call('HSET', LIVE, run, string.format('%s:0:%s:%s:%s', token, session, life.priority, life.build))
  redis.call('ZADD', WORK, 0, 'o ' .. session .. ' ' .. run)
  tally(run, 'o', 1)
  return token
end
