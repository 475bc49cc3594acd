-- number: ask a node how many permits a semaphore has, or tell it.
--
-- A number is replaced only if the node still keeps, and still remembers, the one that it was asked for: a late message
-- changes nothing.
--
-- KEYS[1] the deployment record
-- then, for each operation: KEYS number of permits; ARGV what to keep ("permits token") or '' to ask only, what the node
-- said that it keeps ('' for nothing), and since when it said that it remembers
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a refusal of admission.lua. A vote is
-- number:<permits>:<token>:<since when this node remembers>   as they are now; empty where the node knows none
--
-- Stands on: admission, permits
local admitted, refusal = admit()
if refusal then return refusal end

local memory = string.format('%.0f', admitted)
local reply = 'voted ' .. run_id
local arg = 1
for key = 2, #KEYS do
  local value, seen, since = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2]
  local permits, token = permits_of(KEYS[key], admitted)
  local known = permits and permits .. ' ' .. token or ''
  if value ~= '' and known == seen and since == memory then
    permits, token = string.match(value, '^(%d+) (%d+)$')
    keep_permits(KEYS[key], permits, token, admitted)
  end
  reply = reply .. ' number:' .. (permits or '') .. ':' .. (token or '') .. ':' .. memory
  arg = arg + 3
end
return reply
