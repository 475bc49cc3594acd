-- Prelude of the verbs that know keys: tenants, who take turns.
--
-- A tenant is a key that begins with a character that no key of a user has. Its tasks have a slot while they stand in a
-- stream and have not been delivered, not until they end: so a tenant has as many of them there as it has weight, the
-- next one goes to the end of the stream when one is delivered, and none has the turns of another.
--
-- Stands on: queue
local function is_tenant(key)
  return string.sub(key, 1, 1) == '\3'
end

-- How many slots a key has.
local function slots_of(key)
  if is_tenant(key) then return tonumber(redis.call('HGET', WEIGHTS, string.sub(key, 2)) or 1) end
  return tonumber(redis.call('HGET', META, 'key_limit') or 1)
end
