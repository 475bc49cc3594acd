-- tell: append what comes from outside to the journals of runs: a message, or a cancel.
--
-- then, for each run: KEYS its journal; ARGV run, record
--
-- Replies {'told', for each 'told', 'over' or 'unknown'}
--
-- Stands on: ready
local reply = {'told'}
local count = #ARGV / 2
local first = #KEYS - count
for index = 0, count - 1 do
  local run, record = ARGV[2 * index + 1], ARGV[2 * index + 2]
  local journal = KEYS[first + index + 1]
  local entry = redis.call('HGET', LIVE, run)
  if entry then
    redis.call('RPUSH', journal, record)
    local _, _, session = owner_of(entry)
    if session then mail_to(session, 'm' .. run) end
    if entry == 'p' then
      redis.call('ZREM', DUE, run)
      make_ready(run, false)
    end
    reply[index + 2] = 'told'
  else
    reply[index + 2] = redis.call('EXISTS', journal) == 1 and 'over' or 'unknown'
  end
end
return reply
