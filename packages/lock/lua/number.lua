-- number: tell a node how many permits a semaphore has. Stands on admission.lua.
--
-- KEYS[1] the deployment record
-- then, for each operation: KEYS number of permits; ARGV the number, and '1' to replace another, '' to leave it
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a refusal of admission.lua. A vote is
-- permits:<the number that this node knows now>
local admitted, refusal = admit()
if refusal then return refusal end

local reply = 'voted ' .. run_id
local arg = 1
for key = 2, #KEYS do
  local permits, replace = ARGV[arg], ARGV[arg + 1] == '1'
  if replace or not redis.call('GET', KEYS[key]) then redis.call('SET', KEYS[key], permits) end
  reply = reply .. ' permits:' .. redis.call('GET', KEYS[key])
  arg = arg + 2
end
return reply
