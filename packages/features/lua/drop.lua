-- drop: delete rows of a generation that has ended.
--
-- ARGV[1] view and generation
-- then, for each row: KEYS its key
--
-- Replies {'dropped', how many}, or {'kept'} if this partition has not been told that the generation has ended
--
-- Stands on: record
if not redis.call('HGET', RECORD, 'retired:' .. ARGV[1]) then return {'kept'} end
local keys, dropped = {}, 0
for _, key in ipairs(KEYS) do
  if string.find(key, ':' .. ARGV[1] .. ':', 1, true) then keys[#keys + 1] = key end
end
if #keys > 0 then
  dropped = redis.call('UNLINK', unpack(keys))
  redis.call('HINCRBY', RECORD, 'rows:' .. ARGV[1], -dropped)
end
return {'dropped', dropped}
