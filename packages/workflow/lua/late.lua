-- Prelude of the verbs that know results of tasks which have come when the run that waits for them was over: it has them
-- if it is retried.
--
-- They are a hash beside the journal of the run, by the ids of their messages, which is kept for as long as that.
--
-- Stands on: streams
local function late_of(journal)
  return BASE .. 't:' .. string.sub(journal, #BASE + 3)
end

-- A run that has completed is never retried.
local function keep_late(run, journal, record)
  local kept = redis.call('PTTL', journal)
  if kept <= 0 or string.find(redis.call('HGET', OVER, run) or '', 'completed', 1, true) then return end
  redis.call('HSETNX', late_of(journal), string.match(record, '^M (%S+)\n'), record)
  redis.call('PEXPIRE', late_of(journal), kept)
end

local function take_late(source, journal)
  local late = redis.call('HGETALL', late_of(source))
  for index = 2, #late, 2 do redis.call('RPUSH', journal, late[index]) end
end
