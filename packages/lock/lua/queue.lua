-- Prelude of the verbs that know the queue of a resource: a sorted set of the owners who wait for its lock, by the time
-- since which they do. Who is first when a lock is given back has it reserved for a moment, and is called at once; who
-- becomes first is told how long the lock is held, so that he alone times its end.
--
-- CHANNELS, from the client's prelude, is how the names of the channels begin on which waiting processes listen.
-- Messages: 'called <owner>', 'first:<remaining ms> <owner>'.
local RESERVED = 250 -- milliseconds: time enough to answer; the lock is anybody's afterwards

-- "<process>.<number>" is an owner; everybody who waits in one process listens on one channel. False if nobody does.
local function tell(owner, message)
  local listening = redis.pcall('PUBLISH', CHANNELS .. string.gsub(owner, '%.%d+$', ''), message)
  return type(listening) == 'number' and listening > 0
end

-- Tells the first in the queue whose process listens that he is, and forgets those before him.
local function promote(lock, queue)
  while true do
    local first = redis.call('ZRANGE', queue, 0, 0)[1]
    if not first or tell(first, 'first:' .. redis.call('PTTL', lock) .. ' ' .. first) then return end
    redis.call('ZREM', queue, first)
  end
end

-- Reserves a free lock for the first in the queue whose process listens. Who is called leaves the queue: if he does not
-- come, he is not called again before he asks again, and stops nobody, because the next watches the reservation end.
local function hand_over(lock, queue)
  while true do
    local first = redis.call('ZPOPMIN', queue)[1]
    if not first then return end
    if tell(first, 'called ' .. first) then
      redis.call('SET', lock, '0 ' .. first, 'PX', RESERVED)
      return promote(lock, queue)
    end
  end
end

-- Whether this owner is the first of those in the queue whose processes listen; forgets the others before him.
local function is_first(queue, owner)
  while true do
    local first = redis.call('ZRANGE', queue, 0, 0)[1]
    if first == owner then return true end
    local channel = CHANNELS .. string.gsub(first, '%.%d+$', '')
    local listening = redis.pcall('PUBSUB', 'NUMSUB', channel)
    if listening.err or listening[2] > 0 then return false end
    redis.call('ZREM', queue, first)
  end
end
