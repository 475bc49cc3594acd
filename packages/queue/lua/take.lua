-- Prelude of the verbs that remove and replace: takes a task out of where it waits, unless a worker has it.
--
-- Deletes an entry, so that it never stands for another task with the same id. Returns the outcome.
--
-- Stands on: cancelled, served
local function take_entry(level, entry)
  local stream = stream_of(level)
  local pending = redis.pcall('XPENDING', stream, GROUP, entry, entry, 1)
  pending = not pending.err and pending[1]
  if pending and pending[2] ~= RETURNED then return 'active' end
  if pending then
    redis.call('XACK', stream, GROUP, entry)
    redis.call('HINCRBY', META, 'returned', -1)
    unmark(level, entry)
  end
  redis.call('XDEL', stream, entry)
  return 'removed'
end

-- Whether an entry has not been delivered to anybody yet.
local function place_waits(level, entry)
  local pending = redis.pcall('XPENDING', stream_of(level), GROUP, entry, entry, 1)
  return pending.err or not pending[1]
end

-- Takes out a task with a record. Returns the outcome, and whether the task had a slot of its key. `state` is the state
-- that it must be in, '' for any.
local function take(id, record, key, state)
  local place = redis.call('HGET', PLACES, id)
  local is_delayed = not place and redis.call('ZSCORE', DELAYED, id)
  if state == (is_delayed and 'waiting' or 'delayed') then return 'unknown' end
  if is_delayed then
    redis.call('ZREM', DELAYED, id)
    return 'removed', string.sub(record, 3, 3) == '1'
  end
  if place then
    local level, entry = string.match(place, '^(%d) (.*)$')
    local waits = place_waits(level, entry)
    local word = take_entry(level, entry)
    if waits then pass_turn(key) end
    return word, true
  end
  local number = redis.call('ZSCORE', JOINED, id)
  redis.call('ZREM', JOINED, id)
  if redis.call('ZREM', PACED, id) == 1 then return 'removed', true end
  redis.call('ZREM', LINES, in_line(key, string.format('%016d', number or 0), id))
  return 'removed', false
end
