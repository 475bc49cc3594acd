-- list: a page of the tasks in one state. Stands on pages.lua.
--
-- ARGV[1] waiting, active, delayed, dead or completed  ARGV[2] and ARGV[3] as pages.lua says
--
-- Replies {'listed', where this page ends or '', id, value, ...}; the value is a record, or the data of a plain task,
-- or for completed ones the result
local LISTS = {
  waiting = function()
    list_streams(function(level, stream, start)
      local group = redis.pcall('XINFO', 'GROUPS', stream)
      start = start or (group[1] and not group.err and '(' .. group[1][8]) or '-'
      local entries = redis.call('XRANGE', stream, start, '+', 'COUNT', most)
      for _, one in ipairs(entries) do add_entry(level, one[1], one[2]) end
      return #entries == most and entries[most][1]
    end)
    if reply[2] == '' then
      for _, one in ipairs(redis.call('ZRANGE', LINES, 0, most - 1)) do
        local id = string.match(one, '\1%d+\1(.*)$')
        add(id, redis.call('HGET', TASKS, id))
      end
    end
  end,
  active = function()
    list_streams(function(level, stream, start)
      local pending = redis.pcall('XPENDING', stream, GROUP, start or '-', '+', most)
      if pending.err then return end
      for _, one in ipairs(pending) do
        local entry = one[2] ~= RETURNED and redis.call('XRANGE', stream, one[1], one[1])[1]
        local id = entry and entry[2][1] == 'k' and redis.call('HGET', TURNS, place_of(level, one[1]))
        if id then add(id, redis.call('HGET', TASKS, id)) elseif entry then add_entry(level, one[1], entry[2]) end
      end
      return #pending == most and pending[most][1]
    end)
  end,
  delayed = function() list_set(DELAYED, TASKS) end,
  dead = function() list_set(DEAD, LETTERS) end,
  completed = function()
    local events = redis.call('XREVRANGE', EVENTS, from == '' and '+' or '(' .. from, '-', 'COUNT', most)
    for _, one in ipairs(events) do
      if one[2][3] == 'r' then add(one[2][2], one[2][4]) end
    end
    if #events == most then reply[2] = events[most][1] end
  end,
}
LISTS[ARGV[1]]()
return reply
