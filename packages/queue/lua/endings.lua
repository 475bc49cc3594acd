-- Prelude of the verb that ends deliveries: goes through the ends that settle.lua describes.
--
-- then, for each delivery: ARGV as settle.lua describes them
--
-- Stands on: deliveries, effects, settle, cancelled, breaker
ENDINGS.spent = ENDINGS.dead

local function hand_back(priority, entry, deliveries)
  redis.call('XCLAIM', stream_of(priority), GROUP, RETURNED, 0, entry,
    'RETRYCOUNT', deliveries - 1, 'JUSTID')
  redis.call('HINCRBY', META, 'returned', 1)
end

-- How many arguments follow the entry.
local PARTS = {done = 2, recorded = 4, retry = 5, later = 4, dead = 4, spent = 4, back = 1}

-- Ends the deliveries from ARGV[first] on. Returns how many were handed back. `twice`: the call may have been carried out before, or the
-- server may have forgotten.
local function settle(session, first, count, twice)
  local arg, back = first, 0
  for _ = 1, count do
    own_age, own_dead_age = '', ''
    if ARGV[arg] == 'keep' then own_age, own_dead_age, arg = ARGV[arg + 1], ARGV[arg + 2], arg + 3 end
    local at = ARGV[arg] == 'with' and arg + 2 + ARGV[arg + 1] or arg
    local word, priority, entry = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    local skip = twice and not is_pending(priority, entry, session)
    local cancelled = marks > 0 and not skip and unmark(priority, entry)
    if cancelled then
      end_delivery_as_cancelled(priority, entry, cancelled)
      arg = at + 3 + PARTS[word]
    elseif word == 'back' then
      if not skip then hand_back(priority, entry, ARGV[at + 3]) back = back + 1 end
      arg = at + 4
    elseif skip then
      arg = at + 3 + PARTS[word]
    else
      if at == arg or take_effect(arg + 2, at - 1) then
        ENDINGS[word](priority, entry, at + 3)
        note_end(word, priority, entry)
      end
      arg = at + 3 + PARTS[word]
      local entries = settled[priority] or {}
      settled[priority] = entries
      entries[#entries + 1] = entry
    end
  end
  for priority, entries in pairs(settled) do
    redis.call('XACK', stream_of(priority), GROUP, unpack(entries))
    redis.call('XDEL', stream_of(priority), unpack(entries))
  end
  if #finished > 0 then redis.call('HDEL', PROGRESS, unpack(finished)) end
  if #results > 0 then redis.call('HSET', RESULTS, unpack(results)) end
  keep_tally()
  return back
end
