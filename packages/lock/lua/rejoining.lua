-- Prelude of the verbs that take a free lock again under a token that was already granted.
--
-- To resume, this node must vouch that nobody was granted the lock since: its memory must reach back to the token. To heal, it is enough that a majority kept the lock a moment ago; that proof ages, so it names a time.
--
-- Stands on: admission, memory, stamp

-- The vote: kept  rejoined  held:<token>@<time>  stale:<fence>@<time>  forgotten@<time>. `proof` is the node time in microseconds up to which a
-- kept majority is proof ('0' to resume).
local function rejoin(lock, fence, value, ttl, proof, admitted)
  local token = string.match(value, '^%d+')
  local kept = redis.call('MGET', lock, fence)
  local holder, mark = kept[1], token_of(kept[2])
  if holder and holder ~= value then return stamped('held:' .. (string.match(holder, '^%d+') or 0)) end
  if mark and tonumber(mark) > tonumber(token) then return stamped('stale:' .. mark) end
  if not (holder or micros <= tonumber(proof) or vouches(token, mark, admitted)) then return stamped('forgotten') end
  if holder then prolong(lock, ttl) else redis.call('SET', lock, value, 'PX', ttl) end
  redis.call('SET', fence, token, 'PX', RETENTION)
  return holder and 'kept' or 'rejoined'
end
