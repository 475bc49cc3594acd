-- Prelude of the verbs that ask for a lock and may stand in its queue.
--
-- Stands on: queue, admission, held, stamp
local MEMORY = 10000 -- milliseconds that a queue outlives the last claim; waiters claim every few seconds

-- The vote on a lock that somebody else holds. `waited` is how long this owner has been waiting, in microseconds, if it
-- is to stand in the queue; '' otherwise.
local function stand(lock, queue, owner, holder, waited)
  local vote = held_by(holder, lock)
  if waited == '' then return vote end
  local since = micros - waited
  redis.call('ZADD', queue, 'NX', string.format('%.0f', since), owner)
  redis.call('PEXPIRE', queue, MEMORY)
  return vote .. (is_behind(queue, owner, since) and ':behind' or ':first')
end

-- The reason why a new token cannot be granted a lock that is free; nothing if it can.
local function refuse(mark, token)
  if mark and tonumber(mark) >= tonumber(token) then return stamped('stale:' .. mark) end
  if math.abs(tonumber(token) - micros) > WINDOW then return stamped('window') end
end

-- An owner that was granted a lock no longer waits, and the one that is now first is told so.
local function leave(lock, queue, owner, waited)
  if waited == '' then return end
  redis.call('ZREM', queue, owner)
  promote(lock, queue)
end

-- Grants a lock that is free, or reserved for its owner; otherwise it stands in the queue.
local function claim(lock, fence, queue, value, ttl, waited)
  local token, owner = string.match(value, '^(%d+) (.*)$')
  local kept = redis.call('MGET', lock, fence)
  local holder, mark = kept[1], token_of(kept[2])
  if holder == value then return 'granted' end -- the same proposal, delivered twice
  if holder and holder ~= '0 ' .. owner then return stand(lock, queue, owner, holder, waited) end
  local refusal = refuse(mark, token)
  if refusal then return refusal end
  redis.call('SET', lock, value, 'PX', ttl)
  raise(fence, token, mark)
  leave(lock, queue, owner, waited)
  return 'granted'
end
