-- quota-hold: count what is held until a time: leases, by when they end at the latest.
--
-- KEYS[1] what is held, by the ms at which it ends
-- ARGV[1] the most ('' for any number); ARGV[2] for how many ms from now; ARGV[3] how many are not held any more
-- then, for each of those, and then for each that is held: ARGV its name
-- Replies {'held', how many are held}, or {'full', how many are held, in how many ms the next ends}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local first = 4 + ARGV[3]
for at = 4, first - 1 do redis.call('ZREM', KEYS[1], ARGV[at]) end
local count, more = redis.call('ZCARD', KEYS[1]), 0
for at = first, #ARGV do
  if not redis.call('ZSCORE', KEYS[1], ARGV[at]) then more = more + 1 end
end
if ARGV[1] ~= '' and more > 0 and count + more > tonumber(ARGV[1]) then
  local ends = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or now
  return { 'full', count, ends - now }
end
for at = first, #ARGV do
  redis.call('ZADD', KEYS[1], 'GT', string.format('%.0f', now + ARGV[2]), ARGV[at])
end
return { 'held', count + more }
