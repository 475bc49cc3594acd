-- Prelude of the verbs that end tasks, and of the one that renews sessions: tasks with a retention of their own.
--
-- OWN has the places of their results in EVENTS by the time at which they go, and OWN_DEAD the ids of their letters. META
-- notes in `owned` that there may be some, and in `passed` and `passed_dead` how far the last look over the oldest has
-- come, if these were too many to look at in one call.
--
-- Stands on: forgotten

-- Those of a list that have no retention of their own. Each is named by its first item, or is a name.
local function without_own(set, list)
  local others = {}
  for _, one in ipairs(list) do
    if not redis.call('ZSCORE', set, type(one) == 'table' and one[1] or one) then others[#others + 1] = one end
  end
  return others
end

local function due_of(set)
  local due = redis.call('ZRANGEBYSCORE', set, '-inf', '(' .. string.format('%.0f', now), 'LIMIT', 0, 100)
  if #due > 0 then redis.call('ZREM', set, unpack(due)) end
  return due
end

-- Deletes what has a retention of its own that is over, some at a time.
local function forget_own()
  local events = {}
  for _, place in ipairs(due_of(OWN)) do events[#events + 1] = redis.call('XRANGE', EVENTS, place, place)[1] end
  delete_results(events)
  delete_ended(DEAD, LETTERS, due_of(OWN_DEAD))
  if redis.call('EXISTS', OWN, OWN_DEAD) == 0 then redis.call('HDEL', META, 'owned', 'passed', 'passed_dead') end
end
