-- Prelude of the verbs that know the queue of a resource: a sorted set of the owners that wait for its lock, by the
-- time since which they wait. When a lock is given back, it is reserved for the first of them for a moment, and that
-- owner is called at once; an owner that becomes first is told how long the lock is held, and alone times its end.
-- Readers are called together. Messages have four lines: 'called' or 'first:<remaining ms>', the owner, the lock's key,
-- the queue's. A process that gets a message for an owner that no longer waits takes it out of the queue (release.lua).
--
-- Opens with: CHANNELS
local RESERVED = 250 -- milliseconds: time enough to answer; the lock is anybody's afterwards

-- "<process>.<number>" is an owner, with an "r" if it wants to read; a process has one channel.
local function channel_of(owner)
  return CHANNELS .. string.gsub(owner, '%.%d+r?$', '')
end

-- False if nobody listens.
local function tell(owner, word, lock, queue)
  local message = word .. '\n' .. owner .. '\n' .. lock .. '\n' .. queue
  local listening = redis.pcall('PUBLISH', channel_of(owner), message)
  return type(listening) == 'number' and listening > 0
end

-- For a lock that is held: calls the readers at the head of the queue if it is shared, and tells the next one that it
-- is first. Forgets waiters that do not listen.
local function promote(lock, queue)
  local first = redis.call('ZRANGE', queue, 0, 0)[1]
  local shared = first and string.match(redis.call('GET', lock) or '', ' %*$')
  while first do
    if shared and string.match(first, 'r$') then
      tell(first, 'called', lock, queue)
    elseif tell(first, 'first:' .. redis.call('PTTL', lock), lock, queue) then
      return
    end
    redis.call('ZREM', queue, first)
    first = redis.call('ZRANGE', queue, 0, 0)[1]
  end
end

-- Reserves a free lock for the first in the queue whose process listens, which then leaves the queue: if it does not
-- come, it is not called again before it asks again, and stops nobody, because the next watches the reservation end.
local function hand_over(lock, queue)
  while true do
    local first = redis.call('ZPOPMIN', queue)[1]
    if not first then return end
    if tell(first, 'called', lock, queue) then
      redis.call('SET', lock, '0 ' .. first, 'PX', RESERVED)
      return promote(lock, queue)
    end
  end
end

-- Whether an owner whose process listens has waited for longer than this one, since `since`. Forgets the others.
local function is_behind(queue, owner, since)
  while true do
    local first, when = unpack(redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES'))
    if not first or first == owner or tonumber(when) >= since then return false end
    local listening = redis.pcall('PUBSUB', 'NUMSUB', channel_of(first))
    if listening.err or listening[2] > 0 then return true end
    redis.call('ZREM', queue, first)
  end
end
