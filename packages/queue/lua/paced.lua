-- Prelude of the verbs that know keys: what the rate of a key holds back. Stands on push.lua.
--
-- The rate of a key is kept by the generic cell rate algorithm (ITU-T I.371), as that of the queue (pace.lua): PACES says
-- when the key would be full of tokens again. A task books its place there, and stays in PACED until it may go.

-- The task waits for its key from now on. Returns its number, which is above those of all that wait.
local function join(id)
  local number = math.max(time[1] * 1000000 + time[2], tonumber(redis.call('HGET', META, 'seq') or 0) + 1)
  local text = string.format('%016d', number)
  redis.call('HSET', META, 'seq', text)
  redis.call('ZADD', JOINED, text, id)
  return text
end

-- A task that has a slot of its key may go, when the rate of the key lets it. True if it is held back.
local function push_paced(priority, id, key)
  local rate, per = unpack(redis.call('HMGET', META, 'key_rate', 'key_per'))
  if not rate or rate == '' then return push(priority, id) end
  redis.call('ZREMRANGEBYSCORE', PACES, '-inf', now)
  local step, at = per / rate, tonumber(redis.call('ZSCORE', PACES, key) or now)
  redis.call('ZADD', PACES, string.format('%.3f', at + step), key)
  local due = at + step - per
  if due <= now then return push(priority, id) end
  if not redis.call('ZSCORE', JOINED, id) then join(id) end
  redis.call('ZADD', PACED, string.format('%.3f', due), id)
  if redis.call('ZRANGE', PACED, 0, 0)[1] == id then wake() end
  return true
end

local function let_go(ids)
  for _, id in ipairs(ids) do
    redis.call('ZREM', PACED, id)
    redis.call('ZREM', JOINED, id)
    local record = redis.call('HGET', TASKS, id)
    if record then push(string.sub(record, 1, 1), id) end
  end
end
