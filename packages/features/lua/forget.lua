-- forget: take no rows about an entity from now on, or take them again, and delete rows of it.
--
-- ARGV[1] token, or '' for one that was erased before  ARGV[2] its issuer  ARGV[3] "<entity>:<id>"  ARGV[4] 1 to take none, 0 to take
-- them again
-- then, for each row: KEYS its key; ARGV its view and generation, 1 if its checksum is part of a sum, 0 if not; or "bit <number>"
-- for the one bit of the key that is about the entity
--
-- Replies {'forgotten', how many rows were deleted, and flags cleared}, {'foreign', mark} or {'stale', mark}
--
-- Stands on: record
local token, issuer, name, is_erased = unpack(ARGV, 1, 4)
local eraser = redis.call('HGET', RECORD, 'eraser')
local seen, by = string.match(eraser or '', '^(%d+) (.*)$')
if token ~= '' and seen and by ~= issuer then return {'foreign', eraser} end
if token ~= '' and seen and tonumber(token) < tonumber(seen) then return {'stale', eraser} end

local first, gone, counts, sums, set = #KEYS - (#ARGV - 4) / 2, {}, {}, {}, {}
for index = 1, (#ARGV - 4) / 2 do
  local key, generation, is_summed = KEYS[first + index], ARGV[3 + 2 * index], ARGV[4 + 2 * index]
  local bit = string.match(is_summed, '^bit (%d+)$')
  local head = bit and '' or redis.call('GETRANGE', key, 0, 7)
  if bit and redis.call('GETBIT', key, bit) == 1 then set[#set + 1] = {key, bit} end
  if #head == 8 then
    gone[#gone + 1], counts[generation] = key, (counts[generation] or 0) + 1
    if is_summed == '1' then sums[generation] = (sums[generation] or 0) + struct.unpack('<I4', head, 5) end
  end
end

if token ~= '' then redis.call('HSET', RECORD, 'eraser', token .. ' ' .. issuer) end
redis.call(is_erased == '1' and 'SADD' or 'SREM', FORGOTTEN, name)
redis.call('SADD', FORGOTTEN, '') -- as `open` does
redis.call('HSET', RECORD, 'erased', redis.call('SCARD', FORGOTTEN) - 1)
if #gone > 0 then redis.call('UNLINK', unpack(gone)) end
for _, each in ipairs(set) do redis.call('SETBIT', each[1], each[2], 0) end
for generation, count in pairs(counts) do redis.call('HINCRBY', RECORD, 'rows:' .. generation, -count) end
for generation, sum in pairs(sums) do
  local total = (tonumber(redis.call('HGET', RECORD, 'sum:' .. generation) or '0') - sum) % 4294967296
  redis.call('HSET', RECORD, 'sum:' .. generation, string.format('%.0f', total))
end
return {'forgotten', #gone + #set}
