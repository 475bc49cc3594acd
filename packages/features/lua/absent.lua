-- absent: which rows of one generation another one lacks, but for those that are served no longer.
--
-- ARGV[1] how many rows  ARGV[2] for how long a row is served, in microseconds, or ''
-- then, for each row: KEYS its key in the one, its key in the other
--
-- Replies {'absent', how many}
--
-- Stands on: record
local count, ttl = tonumber(ARGV[1]), tonumber(ARGV[2])
local first, absent = #KEYS - 2 * count, 0
for index = 1, count do
  if redis.call('EXISTS', KEYS[first + 2 * index]) == 0 then
    local time = ttl and redis.call('GETRANGE', KEYS[first + 2 * index - 1], 8, 15) or ''
    local is_served = not ttl or (#time == 8 and struct.unpack('<d', time) + ttl > micros)
    if is_served then absent = absent + 1 end
  end
end
return {'absent', absent}
