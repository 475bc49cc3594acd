-- remove: take out a task that nobody works on. Stands on lines.lua and same.lua.
--
-- ARGV[1] its id  ARGV[2] its entry, if the id is one that the queue gave, or ''  ARGV[3] its priority
-- ARGV[4] the state that it must be in: waiting, delayed or dead; '' for any
--
-- Replies {'removed'}, {'active'} when somebody works on it, or {'unknown'}
local id, state = ARGV[1], ARGV[4]

-- Deletes an entry, so that it never stands for another task of the same id.
local function take_entry(stream, entry)
  local pending = redis.pcall('XPENDING', stream, GROUP, entry, entry, 1)
  pending = not pending.err and pending[1]
  if pending and pending[2] ~= RETURNED then return 'active' end
  if pending then
    redis.call('XACK', stream, GROUP, entry)
    redis.call('HINCRBY', META, 'returned', -1)
  end
  redis.call('XDEL', stream, entry)
  return 'removed'
end

-- Takes a task out of where it waits. Returns what became of it, and whether it had a slot of its key.
local function take(record, key)
  local place = redis.call('HGET', PLACES, id)
  local is_delayed = not place and redis.call('ZSCORE', DELAYED, id)
  if state == (is_delayed and 'waiting' or 'delayed') then return 'unknown' end
  if is_delayed then
    redis.call('ZREM', DELAYED, id)
    return 'removed', string.sub(record, 3, 3) == '1'
  end
  if place then
    local level, entry = string.match(place, '^(%d) (.*)$')
    return take_entry(stream_of(level), entry), true
  end
  local number = redis.call('ZSCORE', JOINED, id)
  redis.call('ZREM', JOINED, id)
  if redis.call('ZREM', PACED, id) == 1 then return 'removed', true end
  redis.call('ZREM', LINES, in_line(key, string.format('%016d', number or 0), id))
  return 'removed', false
end

local record = state ~= 'dead' and redis.call('HGET', TASKS, id)
if record then
  local key = string.match(record, '^%d %d ([^\n]*)\n')
  local word, has_slot = take(record, key)
  if word == 'active' then return {'active'} end
  if word == 'unknown' then return {'unknown'} end
  for _, hash in ipairs({TASKS, PLACES, PROGRESS, RESULTS}) do redis.call('HDEL', hash, id) end
  forget_window(id)
  if key ~= '' and has_slot then free_slot(key) end
  return {'removed'}
end
if (state == '' or state == 'dead') and redis.call('HDEL', LETTERS, id) == 1 then
  redis.call('ZREM', DEAD, id)
  if redis.call('HEXISTS', TASKS, id) == 0 then forget_window(id) end
  return {'removed'}
end
local stream = stream_of(ARGV[3])
local plain = ARGV[2] ~= '' and redis.call('XRANGE', stream, ARGV[2], ARGV[2])[1]
if not plain or plain[2][1] ~= 'd' then return {'unknown'} end
return take_entry(stream, ARGV[2]) == 'active' and {'active'} or {'removed'}
