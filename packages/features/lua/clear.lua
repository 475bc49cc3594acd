-- clear: forget the lanes and the numbers of a generation that has ended, once its rows are gone. That it has ended stays known.
--
-- ARGV[1] view and generation
--
-- Replies {'cleared', how many fields}, or {'kept'} if this partition has not been told that the generation has ended
--
-- Stands on: record
local generation, gone = ARGV[1], {}
if not redis.call('HGET', RECORD, 'retired:' .. generation) then return {'kept'} end
for _, field in ipairs(redis.call('HKEYS', RECORD)) do
  local what, rest = string.match(field, '^(%l+):(.*)$')
  local is_its = rest == generation or string.sub(rest or '', 1, #generation + 1) == generation .. ':'
  if is_its and what ~= 'retired' then gone[#gone + 1] = field end
end
for from = 1, #gone, 1000 do redis.call('HDEL', RECORD, unpack(gone, from, math.min(from + 999, #gone))) end
return {'cleared', #gone}
