-- Prelude of the verb that claims: what has begun lately of the queue ('') and of each key that has a rate.
--
-- Stands on: queue, redis/window
local function begin(field, per, count)
  note_begun(field, per, count)
  if field == '' then return end
  redis.call('ZADD', PACES, string.format('%.0f', now + per), field)
  for _, idle in ipairs(redis.call('ZRANGEBYSCORE', PACES, '-inf', string.format('(%.0f', now), 'LIMIT', 0, 10)) do
    redis.call('ZREM', PACES, idle)
    redis.call('HDEL', BEGUN, idle)
  end
end
