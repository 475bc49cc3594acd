-- Prelude of the verbs that deliver tasks, and take them out: passes the turn of a tenant on.
--
-- Stands on: lines
local function pass_turn(key)
  if is_tenant(key) then fill_slots(key, tonumber(redis.call('HGET', SLOTS, key) or 1) - 1) end
end
