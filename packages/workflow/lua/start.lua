-- start: make runs.
--
-- then, for each run: KEYS its journal of that generation, and its state; ARGV run, generation, header, a mailbox to which
-- its end is told or ''. A generation names the call that makes it, which is known by it when it is repeated.
--
-- Replies {'started', for each 'ready', 'same' if this call made it before, or 'exists <generation>'}
--
-- Stands on: ready
local reply = {'started'}
local count = #ARGV / 4
local first = #KEYS - 2 * count
if not layout then redis.call('HSET', META, 'layout', LAYOUT) end
for index = 0, count - 1 do
  local run, generation, header, mailbox = unpack(ARGV, 4 * index + 1, 4 * index + 4)
  local journal, state = KEYS[first + 2 * index + 1], KEYS[first + 2 * index + 2]
  local known = generation_of(run)
  if known then
    reply[index + 2] = known == generation and 'same' or 'exists ' .. known
  else
    redis.call('HSET', GEN, run, generation)
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
