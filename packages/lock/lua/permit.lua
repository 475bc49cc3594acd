-- permit: claim one slot of a semaphore, whose number of permits all clients and nodes must agree on.
--
-- KEYS[1] the deployment record
-- then, for each operation: KEYS lock of the slot, its fence, queue of the semaphore, its number of permits; ARGV lock
-- value ("token owner"), ttl in milliseconds, for how long this owner has been waiting in microseconds or '' if it does
-- not wait, the number of permits it knows, and '1' if a node that knows none may keep it
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a refusal of admission.lua. A vote is one of
-- granted  held:<token>:<remaining ms>[:<first or behind>]  stale:<fence>@<time>  window@<time>
-- permits:<the number that this node knows>  unset
--
-- Stands on: permits, contend
local admitted, refusal = admit()
if refusal then return refusal end

local reply = 'voted ' .. run_id
local arg = 1
for key = 2, #KEYS, 4 do
  local lock, fence, queue, number = KEYS[key], KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
  local value, ttl, waited, permits, new = unpack(ARGV, arg, arg + 4)
  local known = permits_of(number, admitted)
  local vote
  if known and known ~= permits then
    vote = 'permits:' .. known
  elseif not known and new ~= '1' then
    vote = 'unset'
  else
    if not known then keep_permits(number, permits, string.match(value, '^%d+'), admitted) end
    vote = claim(lock, fence, queue, value, ttl, waited)
  end
  reply = reply .. ' ' .. vote
  arg = arg + 5
end
return reply
