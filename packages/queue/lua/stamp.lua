-- Prelude of the verbs that publish events: in three streams, with ids that rise over all of them, also where the server's
-- clock steps back. So one id is a place in all three.
--
-- META keeps in `event` the time of the last call that published, and its number in that millisecond. The events of a call
-- are numbered within ten thousand of their own.
--
-- Stands on: queue
local stamps = {} -- by queue: the time, the number of the last event, and how many of those that are no results are kept

local function stamp()
  local one = stamps[META]
  if not one then
    local meta = redis.call('HMGET', META, 'event', 'keep_events')
    local ms, number = string.match(meta[1] or '0 0', '^(%d+) (%d+)$')
    ms, number = tonumber(ms), tonumber(number)
    one = now > ms and {now, 0, meta[2] or 1000} or {ms, number + 1, meta[2] or 1000}
    redis.call('HSET', META, 'event', string.format('%.0f %.0f', one[1], one[2]))
    one[2] = one[2] * 10000
    stamps[META] = one
  end
  one[2] = one[2] + 1
  return string.format('%.0f-%.0f', one[1], one[2]), one[3]
end

-- Adds an event to a stream. Returns its id. Results are kept as retention.lua says.
local function publish(stream, ...)
  local id, most = stamp()
  local added = stream == EVENTS and redis.pcall('XADD', stream, id, ...) or redis.pcall('XADD', stream, 'MAXLEN', '~', most, id, ...)
  if type(added) ~= 'table' then return added end
  -- A client of an older version has numbered its event as the server does, and is ahead.
  return redis.call('XADD', stream, '*', ...)
end

-- Publishes that a task was added ('a'), has begun ('b') or has stalled ('s').
local function move(id, kind, value)
  publish(MOVES, 'i', id, kind, value)
end

-- Whether somebody wants to know that: META keeps in `announced` what clients have asked for.
local function is_announced(announced, kind)
  return announced and string.find(announced, kind, 1, true) ~= nil
end
