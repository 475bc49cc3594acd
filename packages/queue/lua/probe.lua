-- Prelude of the verbs that deliver tasks: what the breaker lets through.
--
-- Stands on: breaker, deliveries
-- Whether somebody still has the delivery that decides.
local function is_probing()
  local level, entry, session = string.match(probe or '', '^(%d) (%S+) (.*)$')
  return level and is_pending(level, entry, session)
end

-- How many of those that are wanted may begin, and in how many ms more may; -1 if that is not a matter of time.
local function let_through(want)
  if not broken then return want, -1 end
  -- A clock that was set back would keep it open for too long.
  if broken - now > breaker.pause then
    broken = now + breaker.pause
    redis.call('HSET', META, 'broken', string.format('%.0f', broken))
  end
  local is_open = broken > now
  if not is_open and want > 0 and not is_probing() then return math.min(want, 1), -1 end
  return math.min(want, 0), is_open and broken - now or -1
end

-- Notes the first of the tasks that were claimed, which is the only one, as the one that decides.
local function note_probe(session, claims)
  if not broken or #claims == 0 then return end
  redis.call('HSET', META, 'probe', claims[1] .. ' ' .. claims[2][1][1] .. ' ' .. session)
end
