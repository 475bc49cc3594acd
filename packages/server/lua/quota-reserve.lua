-- quota-reserve: count things that are about to be stored against the quota of their subject, all or none.
--
-- KEYS[1] what is counted, by the stamp of when that was last certain
-- KEYS[2] what is being written, by its stamp
-- KEYS[3] the bytes of each, with '=' for all together and '#' for the last stamp
-- ARGV[1] the most things, ARGV[2] the most bytes; '' for any number
-- then, for each thing: ARGV its name, its bytes
-- Replies {'counted', stamp, thing that was not counted before...}, or {'full', 'count' or 'bytes', what is used}
local time = redis.call('TIME')
local stamp = math.max(time[1] * 1000000 + time[2], (redis.call('HGET', KEYS[3], '#') or 0) + 1)
local count, bytes = redis.call('ZCARD', KEYS[1]), tonumber(redis.call('HGET', KEYS[3], '=') or 0)
local new, sizes, seen, more = {}, {}, {}, 0
for at = 3, #ARGV, 2 do
  local thing, size = ARGV[at], tonumber(ARGV[at + 1])
  if not seen[thing] then
    seen[thing] = true
    if not redis.call('ZSCORE', KEYS[1], thing) then
      new[#new + 1], sizes[#sizes + 1] = thing, size
      more = more + size
    end
  end
end
if ARGV[1] ~= '' and #new > 0 and count + #new > tonumber(ARGV[1]) then return { 'full', 'count', count } end
if ARGV[2] ~= '' and more > 0 and bytes + more > tonumber(ARGV[2]) then return { 'full', 'bytes', bytes } end
local text = string.format('%.0f', stamp)
for thing in pairs(seen) do
  redis.call('ZADD', KEYS[1], text, thing)
  redis.call('ZADD', KEYS[2], text, thing)
end
for at, thing in ipairs(new) do redis.call('HSET', KEYS[3], thing, sizes[at]) end
redis.call('HINCRBY', KEYS[3], '=', more)
redis.call('HSET', KEYS[3], '#', text)
return { 'counted', text, unpack(new) }
