-- start: make runs.
--
-- then, for each run: KEYS its journal and its state; ARGV run, header, a mailbox to which its end is told or ''
--
-- Replies {'started', for each 'ready', 'same' if this call made it before, or 'exists'}
--
-- Stands on: ready
local reply = {'started'}
local count = #ARGV / 3
local first = #KEYS - 2 * count
if not layout then redis.call('HSET', META, 'layout', LAYOUT) end
for index = 0, count - 1 do
  local run, header, mailbox = unpack(ARGV, 3 * index + 1, 3 * index + 3)
  local journal, state = KEYS[first + 2 * index + 1], KEYS[first + 2 * index + 2]
  local known = redis.call('LINDEX', journal, 0)
  if known then
    reply[index + 2] = known == header and 'same' or 'exists'
  else
    redis.call('RPUSH', journal, header)
    redis.call('DEL', state)
    redis.call('HDEL', FALLS, run)
    redis.call('HDEL', STUCK, run)
    if mailbox == '' then redis.call('HDEL', WAITERS, run) else redis.call('HSET', WAITERS, run, mailbox) end
    make_ready(run, false)
    reply[index + 2] = 'ready'
  end
end
return reply
