-- rejoin: take free locks again under a token that was already granted. Stands on memory.lua.
--
-- To resume, this node must vouch that nobody was granted the lock since: its memory must reach back to the token. To heal, it is enough that a majority kept the lock a moment ago; that proof ages, so it names a time.
--
-- KEYS[1] the deployment record
-- then, for each operation: KEYS lock, fence; ARGV lock value ("token owner"), ttl in milliseconds, and the
-- node time in microseconds up to which a kept majority is proof ('0' to resume)
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a refusal of admission.lua. A vote is one of
-- kept  rejoined  held:<token>  stale:<fence>  forgotten
local admitted, refusal = admit()
if refusal then return refusal end

local reply = 'voted ' .. run_id
local arg = 1
for key = 2, #KEYS, 2 do
  local lock, fence = KEYS[key], KEYS[key + 1]
  local value, ttl, proof = ARGV[arg], ARGV[arg + 1], tonumber(ARGV[arg + 2])
  local token = string.match(value, '^%d+')
  local kept = redis.call('MGET', lock, fence)
  local holder, mark = kept[1], token_of(kept[2])
  local vote
  if holder and holder ~= value then
    vote = 'held:' .. (string.match(holder, '^%d+') or 0)
  elseif mark and tonumber(mark) > tonumber(token) then
    vote = 'stale:' .. mark
  elseif holder or now <= proof or vouches(token, mark, admitted) then
    if holder then prolong(lock, ttl) else redis.call('SET', lock, value, 'PX', ttl) end
    redis.call('SET', fence, token, 'PX', RETENTION)
    vote = holder and 'kept' or 'rejoined'
  else
    vote = 'forgotten'
  end
  reply = reply .. ' ' .. vote
  arg = arg + 3
end
return reply
