-- Prelude of the verbs by which runs go no further for now, or are taken back from their workers.
--
-- Stands on: events, ready
local MOST_FALLS = 5

-- Tells all that wait for a run.
local function tell_waiters(run, text)
  for mailbox in string.gmatch(redis.call('HGET', WAITERS, run) or '', '%S+') do mail(mailbox, text) end
  redis.call('HDEL', WAITERS, run)
end

-- It goes no further until somebody mends it: that is no end, and its journal stays.
local function make_stuck(run, life, reason)
  life.since = stamp()
  keep(run, 's', life)
  tally(run, 's', 1)
  redis.call('HSET', STUCK, run, reason)
  happened(run, 'stuck', reason)
  tell_waiters(run, 's' .. run .. '\n' .. reason)
end

-- Takes from a session that is over what it owns, 500 runs a call. True if that was all. `fell`: it did not give them back itself.
local function free(session, fell)
  local owned = redis.call('ZRANGEBYLEX', WORK, '[o ' .. session .. ' ', '(o ' .. session .. '!', 'LIMIT', 0, 500)
  for _, entry in ipairs(owned) do
    local run = string.sub(entry, #session + 4)
    local life = life_of(redis.call('HGET', LIVE, run))
    take_out(run, life)
    if fell then tally(run, 't', 1) end
    have_fallen = have_fallen or fell
    if fell and redis.call('HINCRBY', FALLS, run, 1) >= MOST_FALLS then
      make_stuck(run, life, 'its worker died or stalled ' .. MOST_FALLS .. ' times without a step in between')
    else
      make_ready(run, life, true)
    end
  end
  if #owned == 500 then return false end
  redis.call('HDEL', SERVED, session)
  return true
end
