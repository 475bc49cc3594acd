-- purge: forget that there were documents of which nothing is kept any more, neither they nor their deletion.
--
-- ARGV[1] how many generations have keys here
-- then, for each document: KEYS its key, and those of its vectors; ARGV its id
--
-- Replies {'purged', how many were forgotten}
--
-- Stands on: meta
local FIRST, width = 2, ARGV[1] + 1
local purged, ids, keys = tonumber(redis.call('HGET', META, 'purged') or '0'), {}, {}
for index = 2, #ARGV do
  local first = FIRST + (index - 2) * width
  local sequence = redis.call('EXISTS', KEYS[first + 1]) == 0 and redis.call('ZSCORE', LOG, ARGV[index])
  if sequence then
    purged, ids[#ids + 1] = math.max(purged, tonumber(sequence)), ARGV[index]
    for other = 2, width do keys[#keys + 1] = KEYS[first + other] end
  end
end
if #ids == 0 then return {'purged', 0} end
redis.call('ZREM', LOG, unpack(ids))
if #keys > 0 then redis.call('UNLINK', unpack(keys)) end
redis.call('HSET', META, 'purged', text_of(purged))
return {'purged', #ids}
