-- Prelude of the verbs that tell what happens to runs: entries of EVENTS, "<kind> <run>" and, if there is more to say,
-- "d <detail>". So much of it is kept.
--
-- Stands on: part, redis/epoch
local MOST_EVENTS, OLDEST_EVENT = 100000, 7 * 86400000

-- Ids rise from epoch to epoch: the first of one is above all that an earlier server can have given. A server's own ids rise
-- even where its clock does not.
local first_event
local function add_event(...)
  first_event = first_event or math.ceil(epoch_of(redis.call('HMGET', META, 'server', 'epoch', 'token', 'ceiling')) / 1000)
  if millis <= first_event then
    local added = redis.pcall('XADD', EVENTS, 'MAXLEN', '~', MOST_EVENTS, string.format('%.0f-0', first_event), ...)
    first_event = 0 -- it is there now, or was already
    if not (type(added) == 'table' and added.err) then return end
  end
  redis.call('XADD', EVENTS, 'MAXLEN', '~', MOST_EVENTS, '*', ...)
end

local function happened(run, kind, detail)
  if detail then add_event(kind, run, 'd', detail) else add_event(kind, run) end
  -- One call in about a hundred looks for what is too old.
  if micros % 100 == 0 then redis.call('XTRIM', EVENTS, 'MINID', '~', string.format('%.0f', millis - OLDEST_EVENT)) end
end
