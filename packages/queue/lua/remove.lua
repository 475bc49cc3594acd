-- remove: remove a task that nobody works on, or a dead letter.
--
-- ARGV[1] its id  ARGV[2] its entry, if the id is one that the queue gave, or ''  ARGV[3] its priority
-- ARGV[4] the state that it must be in: waiting, delayed or dead; '' for any
--
-- Replies {'removed'}, {'active'} when somebody works on it, or {'unknown'}
--
-- Stands on: take, windows, alive, litter, notice
local id, state = ARGV[1], ARGV[4]
local record = state ~= 'dead' and redis.call('HGET', TASKS, id)
if record then
  local key = string.match(record, '^%d %d ([^\n]*)\n') or ''
  local word, has_slot = take(id, record, key, state)
  if word == 'active' then return {'active'} end
  if word == 'unknown' then return {'unknown'} end
  for _, hash in ipairs({TASKS, PLACES, PROGRESS, RESULTS, LOGS}) do redis.call('HDEL', hash, id) end
  forget_window(id)
  if key ~= '' and has_slot then free_slot(key) end
  forget_fan(id)
  gather(id, 'x')
  notice(id, 'x', '')
  return {'removed'}
end
if state == '' and end_fan(id) then
  forget_fan(id)
  notice(id, 'x', '')
  return {'removed'}
end
if (state == '' or state == 'dead') and redis.call('HDEL', LETTERS, id) == 1 then
  redis.call('ZREM', DEAD, id)
  redis.call('ZREM', OWN_DEAD, id)
  if not is_alive(id) then
    -- A later task with this id may have completed; its window stays.
    if redis.call('HEXISTS', RESULTS, id) == 0 then
      forget_window(id)
      redis.call('HDEL', LOGS, id)
      forget_fan(id)
    end
    notice(id, 'x', '')
  end
  return {'removed'}
end
local plain = ARGV[2] ~= '' and redis.call('XRANGE', stream_of(ARGV[3]), ARGV[2], ARGV[2])[1]
if not plain or plain[2][1] ~= 'd' then return {'unknown'} end
if take_entry(ARGV[3], ARGV[2]) == 'active' then return {'active'} end
notice(id, 'x', '')
return {'removed'}
