-- Prelude of the verbs that forget tasks: fan-ins that are given up, and what is left of those that are forgotten.
--
-- Stands on: fans

-- Ends a fan-in without its follow-up. False if there is none.
local function end_fan(fan)
  local number = string.match(redis.call('HGET', FANS, fan) or '', '^%d+')
  if not number then return false end
  redis.call('HDEL', GATHERED, 'left ' .. number)
  redis.call('HDEL', FANS, fan)
  return true
end

-- Nothing is known of the follow-up any more.
local function forget_fan(fan)
  local number, total = string.match(redis.call('HGET', GATHERED, 'of ' .. fan) or '', '^(%d+) (%d+)$')
  if not number then return end
  redis.call('HDEL', GATHERED, 'of ' .. fan)
  redis.call('ZADD', LITTER, total, number)
end

-- Deletes outcomes of forgotten fan-ins, some at a time.
local function sweep()
  if not fanned then return end
  local number, left = unpack(redis.call('ZRANGE', LITTER, 0, 0, 'WITHSCORES'))
  if number then
    local fields, rest = {number .. ' 0'}, math.max(0, left - 500)
    for place = rest, left - 1 do fields[#fields + 1] = string.format('%s %.0f', number, place) end
    redis.call('HDEL', GATHERED, unpack(fields))
    if rest > 0 then redis.call('ZADD', LITTER, rest, number) else redis.call('ZREM', LITTER, number) end
  elseif redis.call('EXISTS', GATHERED) + redis.call('EXISTS', MEMBERS) == 0 then
    redis.call('HDEL', META, 'fans')
  end
end
