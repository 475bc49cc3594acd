-- rejoin: take free locks again under a token that was already granted.
--
-- KEYS[1] the deployment record
-- then, for each operation: KEYS lock, fence; ARGV lock value ("token owner"), ttl in milliseconds, and the
-- node time in microseconds up to which a kept majority is proof ('0' to resume)
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a refusal of admission.lua. A vote is one of
-- kept  rejoined  held:<token>@<time>  stale:<fence>@<time>  forgotten@<time>
--
-- Stands on: rejoining
local admitted, refusal = admit()
if refusal then return refusal end

local reply = 'voted ' .. run_id
local arg = 1
for key = 2, #KEYS, 2 do
  reply = reply .. ' ' .. rejoin(KEYS[key], KEYS[key + 1], ARGV[arg], ARGV[arg + 1], ARGV[arg + 2], admitted)
  arg = arg + 3
end
return reply
