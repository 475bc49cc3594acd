-- quota-settle: note what became of things that are counted. A thing that was counted anew since its stamp stays as it is.
--
-- KEYS[1] what is counted, by the stamp of when that was last certain
-- KEYS[2] what is being written, by its stamp
-- KEYS[3] the bytes of each, with '=' for all together and '#' for the last stamp
-- then, for each thing: ARGV its name, its stamp, what became of it, another thing or ''
-- What became of it: 'stored': it was written; 'gone': it is not, or not any more; 'alive': it was looked up and is there;
-- 'instead': the other thing took its place and has its bytes.
-- Replies how many are not counted any more
local time = redis.call('TIME')
local now = string.format(
  '%.0f',
  math.max(time[1] * 1000000 + time[2], (redis.call('HGET', KEYS[3], '#') or 0) + 1)
)
local gone = 0
for at = 1, #ARGV, 4 do
  local thing, stamp, fate, other = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
  local written = redis.call('ZSCORE', KEYS[2], thing)
  local counted = redis.call('ZSCORE', KEYS[1], thing)
  if written and tonumber(written) == stamp then redis.call('ZREM', KEYS[2], thing) end
  if counted and tonumber(counted) == stamp then
    if fate == 'alive' then
      redis.call('ZADD', KEYS[1], now, thing)
      redis.call('HSET', KEYS[3], '#', now)
    elseif fate ~= 'stored' then
      local size = redis.call('HGET', KEYS[3], thing) or 0
      if fate == 'instead' and redis.call('ZSCORE', KEYS[1], other) then
        redis.call('HINCRBY', KEYS[3], '=', size - (redis.call('HGET', KEYS[3], other) or 0))
        redis.call('HSET', KEYS[3], other, size)
      end
      redis.call('ZREM', KEYS[1], thing)
      redis.call('HDEL', KEYS[3], thing)
      redis.call('HINCRBY', KEYS[3], '=', 0 - size)
      gone = gone + 1
    end
  end
end
if redis.call('ZCARD', KEYS[1]) == 0 then redis.call('DEL', KEYS[3]) end
return gone
