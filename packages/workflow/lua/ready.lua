-- Prelude of the verbs that make runs ready, or stuck.
--
-- Stands on: part, redis/time
local MOST_FALLS = 5

-- Wakes one worker that sleeps. One that does not hear it is gone, and is passed over.
local function ring(workflow)
  for _ = 1, 20 do
    local sleeper = redis.call('ZRANGEBYLEX', SLEEPERS, '[' .. workflow .. ' ', '(' .. workflow .. '!', 'LIMIT', 0, 1)[1]
    if not sleeper then return end
    redis.call('ZREM', SLEEPERS, sleeper)
    if mail_to(string.sub(sleeper, #workflow + 2), 'b') > 0 then return end
  end
end

-- `first`: before those that wait.
local function make_ready(run, first)
  local workflow = string.match(run, '^[^/]+')
  redis.call('HSET', LIVE, run, 'r')
  redis.call('ZADD', WORK, 0, string.format('r %s %016.0f %s', workflow, first and 0 or micros, run))
  ring(workflow)
end

-- Tells all that wait for a run.
local function tell_waiters(run, text)
  for mailbox in string.gmatch(redis.call('HGET', WAITERS, run) or '', '%S+') do mail(mailbox, text) end
  redis.call('HDEL', WAITERS, run)
end

-- It goes no further until somebody mends it: that is no end, and its journal stays.
local function make_stuck(run, reason)
  redis.call('HSET', LIVE, run, 's')
  redis.call('HSET', STUCK, run, reason)
  tell_waiters(run, 's' .. run .. '\n' .. reason)
end

-- Takes from a session what it owns, 500 runs a call. True if that was all. `fell`: it did not give them back itself.
local function free(session, fell)
  local owned = redis.call('ZRANGEBYLEX', WORK, '[o ' .. session .. ' ', '(o ' .. session .. '!', 'LIMIT', 0, 500)
  for _, entry in ipairs(owned) do
    local run = string.sub(entry, #session + 4)
    redis.call('ZREM', WORK, entry)
    if fell and redis.call('HINCRBY', FALLS, run, 1) >= MOST_FALLS then
      make_stuck(run, 'its worker died or stalled ' .. MOST_FALLS .. ' times without a step in between')
    else
      make_ready(run, true)
    end
  end
  return #owned < 500
end
