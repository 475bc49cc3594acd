-- claim: acquire for owners that wait: one that is not granted the lock stands in its queue.
--
-- KEYS[1] the deployment record
-- then, for each operation: KEYS lock, fence, queue; ARGV lock value ("token owner"), ttl in milliseconds, and for how
-- long this owner has been waiting, in microseconds
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a refusal of admission.lua. A vote is one of
-- granted  held:<token>:<remaining ms>:<first or behind>  stale:<fence>@<time>  window@<time>
-- A lock that is reserved for another waiter is held under token 0.
--
-- Stands on: contend
local admitted, refusal = admit()
if refusal then return refusal end

local reply = 'voted ' .. run_id
local arg = 1
for key = 2, #KEYS, 3 do
  reply = reply .. ' ' .. claim(KEYS[key], KEYS[key + 1], KEYS[key + 2], ARGV[arg], ARGV[arg + 1], ARGV[arg + 2])
  arg = arg + 3
end
return reply
