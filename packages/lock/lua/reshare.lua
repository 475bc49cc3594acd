-- reshare: extend for readers: prolong leases that are still there, and say for the others whether anybody can have
-- been granted the lock since; or, with a proof, rejoin if nobody can have been.
--
-- KEYS[1] the deployment record
-- then, for each operation: KEYS lock, fence, readers; ARGV lock value ("token owner"), ttl in milliseconds, and '' to
-- take nothing, or the node time in microseconds up to which a kept majority is proof ('0' to resume)
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a refusal of admission.lua. A vote is one of
-- kept  vouched  rejoined  held:<token>@<time>  stale:<fence>@<time>  forgotten@<time>
--
-- Stands on: readers, stamp
local admitted, refusal = admit()
if refusal then return refusal end

local reply = 'voted ' .. run_id
local arg = 1
for key = 2, #KEYS, 3 do
  local lock, fence, readers = KEYS[key], KEYS[key + 1], KEYS[key + 2]
  local value, ttl, proof = ARGV[arg], ARGV[arg + 1], tonumber(ARGV[arg + 2])
  local token = string.match(value, '^%d+')
  local kept = redis.call('MGET', lock, fence)
  local holder, mark = kept[1], token_of(kept[2])
  local vote
  if holder and group_of(holder) ~= token then
    vote = stamped('held:' .. (string.match(holder, '^%d+') or 0))
  elseif holder then
    prolong(lock, ttl)
    enter(lock, fence, readers, value, ttl, false)
    vote = 'kept'
  else
    vote = doubt(mark, token, admitted, proof or 0)
    if not vote and proof then
      enter(lock, fence, readers, value, ttl, true)
      vote = 'rejoined'
    end
  end
  reply = reply .. ' ' .. (vote or 'vouched')
  arg = arg + 3
end
return reply
