-- cancel: end a task that waits; mark one that a worker has, so that it ends as cancelled.
--
-- ARGV[1] its id  ARGV[2] its entry, if the id is one that the queue gave, or ''  ARGV[3] its priority
-- ARGV[4] the reason
--
-- Replies {'cancelled'} if it has ended, {'cancelling'} if a worker has it, or {'unknown'}
--
-- Stands on: take, cancelled, retention
local id, entry, level, reason = unpack(ARGV, 1, 4)
forget_cancelled(unpack(redis.call('HMGET', META, 'keep', 'keep_for')))
local record = redis.call('HGET', TASKS, id)
if record then
  local place = redis.call('HGET', PLACES, id)
  local key = string.match(record, '^%d %d ([^\n]*)\n') or ''
  local word, has_slot = take(id, record, key, '')
  -- One that is unique until it has ended is so as long as a worker has it.
  if word ~= 'active' or redis.call('HGET', DEDUPED, 'u:' .. id) ~= 'ended' then forget_window(id) end
  if word == 'active' then
    mark(place, reason)
    return {'cancelling'}
  end
  end_as_cancelled(id, reason)
  if key ~= '' and has_slot then free_slot(key) end
  return {'cancelled'}
end
if end_fan(id) then
  end_as_cancelled(id, reason)
  return {'cancelled'}
end
local plain = entry ~= '' and redis.call('XRANGE', stream_of(level), entry, entry)[1]
if not plain or plain[2][1] ~= 'd' then return {'unknown'} end
if take_entry(level, entry) == 'active' then
  mark(level .. ' ' .. entry, reason)
  return {'cancelling'}
end
end_as_cancelled(id, reason)
return {'cancelled'}
