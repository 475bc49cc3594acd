-- start: make runs.
--
-- then, for each run: KEYS its journal of that generation, and its state; ARGV run, generation, header, a mailbox to which
-- its end is told or '', '1' if it has a key, its priority from 0 to 9, for how many ms it is delayed, by when it has to
-- begin in ms since the epoch or 0, a session that is to own it at once or '', the highest token that this one knows of.
-- A generation names the call that makes it, which is known by it when it is repeated.
--
-- Replies {'started', for each 'ready', 'delayed', 'line' if it waits for its key, 'owned <token>', 'same' if this call made
-- it before, or 'exists <generation>'}
--
-- Stands on: events, lines, own
local FIELDS = 10
local reply = {'started'}
local count = #ARGV / FIELDS
local first = #KEYS - 2 * count
if not layout then redis.call('HSET', META, 'layout', LAYOUT) end

-- It has no place yet.
local function enter(run, life, keyed, delay, session, highest)
  local expires = tonumber(life.expires)
  if delay > 0 then
    life.since = stamp()
    keep(run, keyed and 'k' or 'd', life)
    tally(run, 'd', 1)
    redis.call('ZADD', DUE, expires > 0 and math.min(expires, millis + delay) or millis + delay, run)
    return 'delayed'
  end
  if expires > 0 then redis.call('ZADD', DUE, expires, run) end
  if not takes_key(run, keyed) then
    join_line(run, life)
    return 'line'
  end
  local token = session ~= '' and own_at_once(run, life, session, highest)
  if token then return 'owned ' .. token end
  make_ready(run, life, false)
  return 'ready'
end

for index = 0, count - 1 do
  local run, generation, header, mailbox, keyed, priority, delay, expires, session, highest = unpack(ARGV, FIELDS * index + 1, FIELDS * index + FIELDS)
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
    happened(run, 'started')
    tally(run, 'u', 1)
    local life = {priority = priority, build = '0', expires = expires, since = 0}
    reply[index + 2] = enter(run, life, keyed == '1', tonumber(delay), session, highest)
  end
end
return reply
