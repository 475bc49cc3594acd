-- quota-oldest: things that are counted, those first of which nothing was certain for longest.
--
-- KEYS[1] what is counted, by the stamp of when that was last certain
-- KEYS[2] what is being written, by its stamp
-- ARGV[1] how many; ARGV[2] for how many µs a thing may be being written
-- Replies pairs of a thing and its stamp
local time = redis.call('TIME')
local since = time[1] * 1000000 + time[2] - ARGV[2]
local found = {}
local oldest = redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1, 'WITHSCORES')
for at = 1, #oldest, 2 do
  local written = redis.call('ZSCORE', KEYS[2], oldest[at])
  if not written or tonumber(written) < since then
    found[#found + 1] = oldest[at]
    found[#found + 1] = string.format('%.0f', oldest[at + 1])
  end
end
return found
