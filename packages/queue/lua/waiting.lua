-- Prelude of the verb that changes tasks: looks for one that waits.
--
-- Stands on: streams, queue

-- The record of a task and its place, or the fields of its entry if it has no record; or a word why it cannot be changed.
local function known_task(id, entry, level)
  local record = redis.call('HGET', TASKS, id)
  if record then return nil, record, redis.call('HGET', PLACES, id) or nil end
  if redis.call('HEXISTS', FANS, id) == 1 then return 'gathering' end
  local plain = entry ~= '' and redis.call('XRANGE', stream_of(level), entry, entry)[1]
  if plain and plain[2][1] == 'd' then return nil, nil, level .. ' ' .. entry, plain[2] end
  for _, hash in ipairs({RESULTS, REASONS, LETTERS}) do
    if redis.call('HEXISTS', hash, id) == 1 then return 'ended' end
  end
  return 'unknown'
end

-- How often an entry was delivered that nobody has any more, nil for one that was not; or a word why its task cannot be
-- changed.
local function deliveries_of(place)
  local level, entry = string.match(place, '^(%d) (.*)$')
  local pending = redis.pcall('XPENDING', stream_of(level), GROUP, entry, entry, 1)
  pending = not pending.err and pending[1]
  if not pending then return end
  if pending[2] ~= RETURNED then return 'active' end
  -- It is cancelled, and ends as such when it is delivered.
  if redis.call('HEXISTS', CANCELLING, place) == 1 then return 'ended' end
  return nil, pending[4]
end
