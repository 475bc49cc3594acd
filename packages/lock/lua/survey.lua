-- survey: report how long the slots of a semaphore are taken on this node. A hint: it promises nothing.
--
-- KEYS[1] the deployment record
-- then, for each operation: KEYS lock of every slot; ARGV the number of slots
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a refusal of admission.lua. A vote is
-- surveyed:<remaining ms of each slot, 0 if free, separated by commas>
--
-- Stands on: admission
local admitted, refusal = admit()
if refusal then return refusal end

local reply = 'voted ' .. run_id
local key = 2
for arg = 1, #ARGV do
  local remaining = {}
  for slot = 1, ARGV[arg] do
    remaining[slot] = math.max(0, redis.call('PTTL', KEYS[key]))
    key = key + 1
  end
  reply = reply .. ' surveyed:' .. table.concat(remaining, ',')
end
return reply
