-- remove: take out a task that nobody works on. Stands on lines.lua.
--
-- ARGV[1] its id  ARGV[2] its entry, if the id is one that the queue gave, or ''  ARGV[3] its priority
--
-- Replies {'removed'}, {'active'} when somebody works on it, or {'unknown'}
local id = ARGV[1]
if redis.call('HDEL', LETTERS, id) == 1 then
  redis.call('ZREM', DEAD, id)
  return {'removed'}
end
local record, entry, stream = redis.call('HGET', TASKS, id), ARGV[2], stream_of(ARGV[3])
if record then
  local priority, holds, key = string.match(record, '^(%d) (%d) ([^\n]*)\n')
  local level, taken = string.match(redis.call('HGET', TURNS, 'i:' .. id) or '', '^(%d) (.*)$')
  stream, entry = stream_of(level or priority), taken
  local pending = entry and redis.call('XPENDING', stream, GROUP, entry, entry, 1)[1]
  if pending and pending[2] ~= RETURNED then return {'active'} end
  redis.call('HDEL', TASKS, id) -- an entry that stands for it is void now
  redis.call('ZREM', DELAYED, id)
  redis.call('HDEL', PROGRESS, id)
  redis.call('HDEL', TURNS, 'i:' .. id)
  if holds == '1' then free_slot(priority, key) end
  return {'removed'}
end
if entry == '' then return {'unknown'} end
local pending = redis.pcall('XPENDING', stream, GROUP, entry, entry, 1)
pending = not pending.err and pending[1]
if pending and pending[2] ~= RETURNED then return {'active'} end
if pending then
  redis.call('XACK', stream, GROUP, entry)
  redis.call('HINCRBY', META, 'returned', -1)
end
return redis.call('XDEL', stream, entry) == 1 and {'removed'} or {'unknown'}
