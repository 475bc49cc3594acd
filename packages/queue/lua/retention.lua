-- Prelude of the verbs that end tasks, and of the one that renews sessions: how much is kept of tasks that have ended, as
-- META says, or the task itself.
--
-- Stands on: own

-- Deletes the oldest results, by number and by age in ms, some at a time.
local function forget_results(most, age, owned)
  local excess = redis.call('XLEN', EVENTS) - most - (owned and redis.call('ZCARD', OWN) or 0)
  local from = owned and redis.call('HGET', META, 'passed')
  from = from and '(' .. from or '-'
  -- Not those of this moment: whoever waits for them is told first.
  local till, count = string.format('%.0f', now - age - 1), 100
  if excess > 100 then till, count = '+', math.min(excess, 500) end
  local oldest = redis.call('XRANGE', EVENTS, from, till, 'COUNT', count)
  if not owned then return delete_results(oldest) end
  if #oldest == count then redis.call('HSET', META, 'passed', oldest[count][1]) else redis.call('HDEL', META, 'passed') end
  delete_results(without_own(OWN, oldest))
end

-- Deletes the oldest of a set of tasks by the time at which they ended, and what a hash has of them: those that are too
-- many or, by their age in ms, too old, some at a time. `own` is the set of those with a retention of their own, if any.
local function forget_ended(set, hash, most, age, own)
  local count = redis.call('ZCARD', set)
  if count == 0 then return end
  local excess = count - most - (own and redis.call('ZCARD', own) or 0)
  local from = own and tonumber(redis.call('HGET', META, 'passed_dead') or 0) or 0
  local most_now = excess > 0 and math.min(excess, 500) or 100
  local old = excess > 0 and redis.call('ZRANGE', set, from, from + most_now - 1)
    or redis.call('ZRANGEBYSCORE', set, '-inf', string.format('%.0f', now - age), 'LIMIT', from, most_now)
  if not own then return delete_ended(set, hash, old) end
  local others = without_own(own, old)
  -- Those that stay are passed over next time, until there is nothing behind them.
  redis.call('HSET', META, 'passed_dead', #old == most_now and from + #old - #others or 0)
  delete_ended(set, hash, others)
end

-- `kept` are META's keep, keep_for, dead_keep, dead_keep_for and owned.
local function forget(kept)
  local owned = kept[5]
  forget_results(tonumber(kept[1] or 10000), tonumber(kept[2] or 86400000), owned)
  forget_ended(DEAD, LETTERS, tonumber(kept[3] or 100000), tonumber(kept[4] or 7776000000), owned and OWN_DEAD)
  if owned then forget_own() end
end

-- The same for cancelled tasks, which are kept as results are.
local function forget_cancelled(most, age)
  forget_ended(CANCELLED, REASONS, tonumber(most or 10000), tonumber(age or 86400000))
end
