-- change: change a task that waits, or when it begins.
--
-- ARGV[1] its id  ARGV[2] its entry, if the id is one that the queue gave, or ''  ARGV[3] its priority
-- ARGV[4] the task as it was found  ARGV[5] its record from now on; both '' if it stays as it is
-- ARGV[6] when it is due, in ms since the epoch, or '+' and in how many ms; '' for as before
--
-- Replies {'changed'}; {'found', the task, its record, or its data and options, deliveries} if the task is not as it was
-- found, or its new record is needed; {'refused', why}: 'active' when a worker has it, 'gathering' for a follow-up that is not
-- added yet, 'ended' or 'unknown'
--
-- Stands on: waiting, take, enlist
local id, seen, record, due = ARGV[1], ARGV[4], ARGV[5], ARGV[6]
local why, old, place, plain = known_task(id, ARGV[2], ARGV[3])
if why then return {'refused', why} end
local returned
if place then why, returned = deliveries_of(place) end
if why then return {'refused', why} end

local at = string.sub(due, 1, 1) == '+' and now + tonumber(string.sub(due, 2)) or tonumber(due) or 0
local is_later = at > now
local is_delayed = not place and redis.call('ZSCORE', DELAYED, id)
if record == '' and not is_later and (due == '' or not is_delayed) then return {'changed'} end

-- One that leaves its entry takes along in its record how often that was delivered.
local found = old and 'i' .. (returned or 0) .. ' ' .. old or 'd' .. (returned or 0)
if (record ~= '' or plain or returned) and seen ~= found then
  return {'found', found, old or plain[2], plain and plain[4] or '', returned or 0}
end
if record == '' then record = old end
local priority, holds, key = string.match(record, '^(%d) (%d) ([^\n]*)\n')
priority, key = priority or '0', key or ''
local level, entry = string.match(place or '', '^(%d) (.*)$')

if is_delayed then
  redis.call('HSET', TASKS, id, record)
  if is_later then
    delay_until(id, at)
  elseif due ~= '' then
    redis.call('ZREM', DELAYED, id)
    release(id)
  end
elseif is_later then
  local _, has_slot
  if plain then take_entry(level, entry) else _, has_slot = take(id, old, key, '') end
  redis.call('HDEL', PLACES, id)
  redis.call('HSET', TASKS, id, record)
  delay_until(id, at)
  -- One that has begun keeps its slot, as between attempts; the others of its key go before one that has not.
  if has_slot and key ~= '' and holds == '0' then free_slot(key) end
elseif place and (plain or returned or level ~= priority) then
  take_entry(level, entry)
  redis.call('HDEL', PLACES, id)
  redis.call('HSET', TASKS, id, record)
  -- One of a tenant has had its turn if it was delivered before.
  if returned and is_tenant(key) then release(id) else push(priority, id) end
else
  redis.call('HSET', TASKS, id, record)
end
return {'changed'}
