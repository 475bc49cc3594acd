-- list: a page of the tasks in one state.
--
-- ARGV[1] waiting, active, delayed, dead, completed or cancelled  ARGV[2] and ARGV[3] as pages.lua says
--
-- Replies {'listed', where this page ends or '', id, value, ...}; the value is a record, or the data of a plain task without options,
-- for completed ones the result, or for cancelled ones the reason
--
-- Stands on: pages
local levels = levels_of('987654321') -- all, so that parts keep their numbers while priorities come into use

-- Entries of one priority that have not been delivered to anybody.
local function undelivered(level)
  return function(position)
    local stream, room = stream_of(level), left()
    local group = position == '' and redis.pcall('XINFO', 'GROUPS', stream)
    if group and group[1] and not group.err then position = group[1][8] end
    local entries = redis.call('XRANGE', stream, position == '' and '-' or '(' .. position, '+', 'COUNT', room)
    for _, one in ipairs(entries) do add_entry(level, one[1], one[2]) end
    return #entries == room and entries[room][1]
  end
end

-- Tasks that wait for their key.
local function joined(position)
  local room = left()
  local start = position == '' and '-inf' or '(' .. position
  local ids = redis.call('ZRANGEBYSCORE', JOINED, start, '+inf', 'WITHSCORES', 'LIMIT', 0, room)
  for index = 1, #ids, 2 do add(ids[index], redis.call('HGET', TASKS, ids[index])) end
  return #ids == 2 * room and ids[#ids]
end

local LISTS = {
  waiting = function()
    local parts = {}
    for _, level in ipairs(levels) do parts[#parts + 1] = pending_of(level, true) end
    for _, level in ipairs(levels) do parts[#parts + 1] = undelivered(level) end
    parts[#parts + 1] = joined
    list_parts(parts)
  end,
  active = function()
    local parts = {}
    for index, level in ipairs(levels) do parts[index] = pending_of(level, false) end
    list_parts(parts)
  end,
  delayed = function() list_set(DELAYED, TASKS) end,
  dead = function() list_set(DEAD, LETTERS) end,
  cancelled = function() list_set(CANCELLED, REASONS) end,
  completed = function()
    local events = redis.call('XREVRANGE', EVENTS, from == '' and '+' or '(' .. from, '-', 'COUNT', most)
    for _, one in ipairs(events) do
      if one[2][3] == 'r' and (redis.call('HGET', RESULTS, one[2][2]) or '') == one[1] then add(one[2][2], one[2][4]) end
    end
    if #events == most then reply[2] = events[most][1] end
  end,
}
LISTS[ARGV[1]]()
return reply
