-- purge: forget that there were documents of which nothing is kept any more, neither they nor their deletion, and take out of the
-- vector sets those that have expired.
--
-- ARGV[1] how many generations have keys here  ARGV[2] how many vector sets there are
-- then KEYS: those of the vector sets
-- then, for each document: KEYS its key, and those of its vectors; ARGV its id
--
-- Replies {'purged', how many were forgotten}
--
-- Stands on: sets, document
local WORDS, SETS, first_key, width = 2, 2, 2 + ARGV[2], ARGV[1] + 1
local sets, expired = {}, {}
for index = 1, ARGV[2] do sets[index] = {key = KEYS[SETS + index]} end
require_sets(sets)
local purged, ids, keys = tonumber(redis.call('HGET', META, 'purged') or '0'), {}, {}
for index = WORDS + 1, #ARGV do
  local first = first_key + (index - WORDS - 1) * width
  local sequence = redis.call('EXISTS', KEYS[first + 1]) == 0 and redis.call('ZSCORE', LOG, ARGV[index])
  if sequence then
    purged, ids[#ids + 1] = math.max(purged, tonumber(sequence)), ARGV[index]
    for other = 2, width do keys[#keys + 1] = KEYS[first + other] end
  end
  local head = #sets > 0 and read_head(KEYS[first + 1])
  local is_there = head and (head.expiry == 0 or head.expiry > millis) and not head.is_deletion
  if #sets > 0 and not is_there then expired[#expired + 1] = ARGV[index] end
end
for _, id in ipairs(expired) do clear_sets(sets, id) end
if #ids == 0 then return {'purged', 0} end
redis.call('ZREM', LOG, unpack(ids))
if #keys > 0 then redis.call('UNLINK', unpack(keys)) end
redis.call('HSET', META, 'purged', text_of(purged))
return {'purged', #ids}
