-- Prelude of the verb that claims: takes tasks from sessions that are over, and lets those begin that are due.
--
-- Stands on: streams, queue, redis/sessions, lines, stamp
local MOST = 500 -- entries that one call moves

-- Publishes that the task of an entry has stalled.
local function tell_stalled(level, entry, session)
  local found = redis.call('XRANGE', stream_of(level), entry, entry)[1]
  if not found then return end
  move(found[2][1] == 'i' and found[2][2] or (level == 0 and entry or entry .. ':' .. level), 's', session)
end

-- Takes the tasks of a session: nobody has them then, and workers claim them before all others. True if these were all.
local function take_back(session, levels, has_stalled)
  local moved, rest = 0, false
  for _, level in ipairs(levels) do
    local stream = stream_of(level)
    local pending = redis.pcall('XPENDING', stream, GROUP, '-', '+', MOST, session)
    local claim = {'xclaim', stream, GROUP, RETURNED, 0}
    for _, one in ipairs(pending.err and {} or pending) do claim[#claim + 1] = one[1] end
    local taken = #claim - 5
    claim[#claim + 1] = 'JUSTID'
    if taken > 0 then redis.call(unpack(claim)) end
    for index = 6, has_stalled and #claim - 1 or 0 do tell_stalled(level, claim[index], session) end
    moved = moved + taken
    rest = rest or taken == MOST
    if not rest then redis.pcall('XGROUP', 'DELCONSUMER', stream, GROUP, session) end
  end
  if moved > 0 then redis.call('HINCRBY', META, 'returned', moved) end
  return not rest
end

-- Ends the sessions whose time is over, one per call. Returns how many tasks that freed.
local function reap(levels)
  local over = session_over()
  if over and take_back(over, levels, true) then end_session(over) end
end

-- Lets tasks begin that are due.
local function promote()
  let_go(redis.call('ZRANGEBYSCORE', PACED, '-inf', now, 'LIMIT', 0, MOST))
  local due = redis.call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, MOST)
  if #due == 0 then return end
  redis.call('ZREM', DELAYED, unpack(due))
  for _, id in ipairs(due) do release(id) end
end
