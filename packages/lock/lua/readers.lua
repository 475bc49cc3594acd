-- Prelude of the verbs of shared locks. A shared lock holds "<token> *": all readers that hold it together are one
-- group under one token. The readers, each with its end in milliseconds of this node, are in a sorted set beside the
-- lock, which lasts as long as the last of them.
--
-- Stands on: memory, stamp

-- The token of the group that reads now, from the lock's value.
local function group_of(holder)
  return holder and string.match(holder, '^(%d+) %*$')
end

-- Why this node cannot tell that nobody was granted the lock since this token; nothing if it can, or up to `proof`.
local function doubt(mark, token, admitted, proof)
  if mark and tonumber(mark) > tonumber(token) then return stamped('stale:' .. mark) end
  if micros > proof and not vouches(token, mark, admitted) then return stamped('forgotten') end
end

-- Lets an owner read until `ttl` milliseconds from now, and never less than it already may; `founding` if nobody reads
-- yet.
local function enter(lock, fence, readers, value, ttl, founding)
  local token, owner = string.match(value, '^(%d+) (.*)$')
  if founding then redis.call('DEL', readers) end
  redis.call('ZADD', readers, 'GT', millis + ttl, owner)
  local last = redis.call('ZRANGE', readers, -1, -1, 'WITHSCORES')[2]
  redis.call('SET', lock, token .. ' *', 'PX', last - millis)
  redis.call('PEXPIRE', readers, last - millis)
  redis.call('SET', fence, token, 'PX', RETENTION)
end
