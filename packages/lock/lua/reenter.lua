-- reenter: rejoin for permits, if the node knows the number of permits: a holder has its permit on a majority of nodes,
-- and with it the number, so a client that gives another number finds no majority.
--
-- KEYS[1] the deployment record
-- then, for each operation: KEYS lock of the slot, its fence, number of permits; ARGV as those of rejoin.lua
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a refusal of admission.lua. A vote is one of
-- kept  rejoined  held:<token>@<time>  stale:<fence>@<time>  forgotten@<time>
--
-- Stands on: permits, rejoining, stamp
local admitted, refusal = admit()
if refusal then return refusal end

local reply = 'voted ' .. run_id
local arg = 1
for key = 2, #KEYS, 3 do
  local vote
  if permits_of(KEYS[key + 2], admitted) then
    vote = rejoin(KEYS[key], KEYS[key + 1], ARGV[arg], ARGV[arg + 1], ARGV[arg + 2], admitted)
  end
  reply = reply .. ' ' .. (vote or stamped('forgotten'))
  arg = arg + 3
end
return reply
