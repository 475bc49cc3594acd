-- Prelude of the verbs that know keys: what the rate of a key holds back. Stands on push.lua.
--
-- The rate of a key is kept by the generic cell rate algorithm (ITU-T I.371), as that of the queue (pace.lua): PACES says
-- when the key would be full of tokens again. An entry books its place there, and stays in PACED until it may go.
local function push_paced(priority, field, value, key)
  local rate, per = unpack(redis.call('HMGET', META, 'key_rate', 'key_per'))
  if not rate or rate == '' then return push(priority, field, value) end
  redis.call('ZREMRANGEBYSCORE', PACES, '-inf', now)
  local step, at = per / rate, tonumber(redis.call('ZSCORE', PACES, key) or now)
  redis.call('ZADD', PACES, string.format('%.3f', at + step), key)
  local due = at + step - per
  if due <= now then return push(priority, field, value) end
  local number = redis.call('HINCRBY', META, 'seq', 1)
  redis.call('ZADD', PACED, string.format('%.3f', due), string.format('%s%s%016d%s', priority, field, number, value))
  if redis.call('ZCARD', PACED) == 1 then wake() end
end

local function let_go(paced)
  for _, one in ipairs(paced) do
    local priority, field, value = string.match(one, '^(%d)(%l)%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d(.*)$')
    push(priority, field, value)
  end
  if #paced > 0 then redis.call('ZREM', PACED, unpack(paced)) end
end

local function give_turn(priority, key)
  push_paced(priority, 'k', key, key)
  redis.call('HINCRBY', META, 'turns', 1)
end
