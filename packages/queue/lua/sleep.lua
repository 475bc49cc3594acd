-- Prelude of the verb that delivers tasks: until when a worker that has found nothing may sleep.
--
-- In how many ms a task or a tick may be due; -1 if none is to come.
--
-- Stands on: queue, streams
local function soonest(pause)
  for _, set in ipairs({DELAYED, SESSIONS, TICKS, PACED}) do
    local at = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
    local left = at and math.max(0, at - now)
    if left and (pause < 0 or left < pause) then pause = left end
  end
  return pause
end

-- "<level> <last entry> ... w <last entry>": a sleeper is woken by entries after these.
local function last_entries(levels)
  local last = {}
  for _, level in ipairs(levels) do
    local info = redis.pcall('XINFO', 'STREAM', stream_of(level))
    last[#last + 1] = level .. ' ' .. (info.err and '0-0' or info[8])
  end
  local info = redis.pcall('XINFO', 'STREAM', WAKE)
  last[#last + 1] = 'w ' .. (info.err and '0-0' or info[8])
  return table.concat(last, ' ')
end
