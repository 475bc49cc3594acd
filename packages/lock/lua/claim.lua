-- claim: acquire for those who wait: who is not granted the lock stands in its queue. Stands on admission.lua and
-- queue.lua.
--
-- KEYS[1] the deployment record
-- then, for each operation: KEYS lock, fence, queue; ARGV lock value ("token owner"), ttl in milliseconds, and for how
-- long this owner has been waiting, in microseconds
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a refusal of admission.lua. A vote is one of
-- granted  held:<token>:<remaining ms>:<first or behind>  stale:<fence>  window:<time of this node>
-- A lock that is reserved for another waiter is held under token 0.
local admitted, refusal = admit()
if refusal then return refusal end

local MEMORY = 10000 -- milliseconds that a queue outlives the last claim; who waits claims every few seconds
local reply = 'voted ' .. run_id
local arg = 1
for key = 2, #KEYS, 3 do
  local lock, fence, queue = KEYS[key], KEYS[key + 1], KEYS[key + 2]
  local value, ttl, waited = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2]
  local token, owner = string.match(value, '^(%d+) (.*)$')
  local kept = redis.call('MGET', lock, fence)
  local holder, mark = kept[1], kept[2]
  local vote
  if holder and holder ~= value and holder ~= '0 ' .. owner then
    redis.call('ZADD', queue, 'NX', string.format('%.0f', now - waited), owner)
    redis.call('PEXPIRE', queue, MEMORY)
    vote = 'held:' .. (string.match(holder, '^%d+') or 0) .. ':' .. redis.call('PTTL', lock)
      .. (is_first(queue, owner) and ':first' or ':behind')
  elseif holder == value then
    vote = 'granted' -- the same proposal, delivered twice
  elseif mark and tonumber(mark) >= tonumber(token) then
    vote = 'stale:' .. mark
  elseif math.abs(tonumber(token) - now) > WINDOW then
    vote = 'window:' .. string.format('%.0f', now)
  else
    redis.call('SET', lock, value, 'PX', ttl)
    redis.call('SET', fence, token, 'PX', RETENTION)
    redis.call('ZREM', queue, owner)
    promote(lock, queue)
    vote = 'granted'
  end
  reply = reply .. ' ' .. vote
  arg = arg + 3
end
return reply
