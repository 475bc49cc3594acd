-- Prelude of the verb that ends deliveries.
--
-- then, for each delivery: ARGV its outcome, its priority, its entry, and
--   done      the result, its trace            of a plain task
--   recorded  id, key, the result, its trace   of a task with a record
--   retry     id, key, the new record, in how many ms it is due, the error
--   later     id, key, the record, in how many ms it is due: not yet, which is no failure
--   dead      id, key, the letter, the error
--   spent     the same, of the last attempt, which has failed as others do
--   back      how often it was delivered: handed back, and not counted
-- Before one of the first two, there may be its effects:
--   with      how many arguments follow, id, key, the letter up to and from the reason, and for each command its length
--             and its words
-- Before all of that, if the task has a retention of its own:
--   keep      for how many ms its result, and its letter, are kept; '' if as long as others
--
-- Stands on: ended, stamp, tally
local function put_off(id, record, delay)
  redis.call('HSET', TASKS, id, record)
  redis.call('ZADD', DELAYED, now + delay, id)
  redis.call('HDEL', PLACES, id)
end

local function complete(id, result, trace)
  local event = publish(EVENTS, 'i', id, 'r', result, 'a', trace)
  results[#results + 1] = id
  results[#results + 1] = event
  if own_age ~= '' then keep_own(OWN, own_age, event) end
  tally_trace(trace)
end

local ENDINGS = {
  done = function(priority, entry, arg)
    local id = entry_id(priority, entry)
    finished[#finished + 1] = id
    complete(id, ARGV[arg], ARGV[arg + 1])
  end,
  recorded = function(_, _, arg)
    local id, key, result, trace = unpack(ARGV, arg, arg + 3)
    end_task(id, key)
    if fanned then gather(id, 'r' .. result) end
    complete(id, result, trace)
  end,
  retry = function(_, _, arg)
    local id, _, record, delay, reason = unpack(ARGV, arg, arg + 4)
    put_off(id, record, delay)
    notice(id, 't', reason)
    tally('ends:retry', 1)
  end,
  later = function(_, _, arg)
    local id, _, record, delay = unpack(ARGV, arg, arg + 3)
    put_off(id, record, delay)
    notice(id, 'd', delay)
    tally('ends:later', 1)
  end,
  dead = function(_, _, arg)
    local id, key, letter, reason = unpack(ARGV, arg, arg + 3)
    bury(id, key, letter, reason)
  end,
}
