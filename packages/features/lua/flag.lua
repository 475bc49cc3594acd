-- flag: set and clear flags of ids.
--
-- ARGV[1] to ARGV[7], ARGV[9] and ARGV[10] as `land`; ARGV[8] is not read
-- then, for each id: ARGV the name under which its flags are logged, and "<bit> <flag>+ <flag>- ..." with those that are set and
-- cleared; for each of these: KEYS the bits of the flag
--
-- Replies {'landed', a letter an id, '<epoch> <place in the log>'}: a accepted, x it was erased. Or, in this order, the refusals
-- of `land`
--
-- Stands on: owner, erased
local generation, name, mark, source, own, after, through, _, history, parts = unpack(ARGV, 1, 10)
local lane = generation .. ':' .. name .. ':'
local refusal = refused(generation, lane, mark, source, own) or misplaced(generation, lane, source, after, through)
if refusal then return refusal end

local FIRST, names, texts, total = 10, {}, {}, 0
for index = FIRST + 1, #ARGV, 2 do
  names[#names + 1], texts[#texts + 1] = ARGV[index], ARGV[index + 1]
  total = total + select(2, string.gsub(ARGV[index + 1], '[+-]', ''))
end
local erased = find_erased(names, 0, generation, parts)
local key, verdicts, entry, writes, added, is_known = #KEYS - total, {}, {}, {}, 0, {}
for index, text in ipairs(texts) do
  local is_erased, bit = erased[index], tonumber(string.match(text, '^%d+'))
  verdicts[index] = is_erased and 'x' or 'a'
  for value in string.gmatch(text, '[+-]') do
    key = key + 1
    if not is_erased then
      local chunk = KEYS[key]
      -- Of another type, it is refused here, before anything is written.
      if not is_known[chunk] and redis.call('STRLEN', chunk) == 0 then added = added + 1 end
      is_known[chunk] = true
      writes[#writes + 1] = {chunk, bit, value == '+' and 1 or 0}
    end
  end
  if not is_erased then entry[#entry + 1], entry[#entry + 2] = names[index], string.match(text, '^%d+ (.*)$') end
end

if #entry > 0 then
  if history == '1' then log(unpack(entry)) end
  for _, write in ipairs(writes) do redis.call('SETBIT', unpack(write)) end
  redis.call('HSET', RECORD, 'newest:' .. generation, string.format('%.0f', micros))
  if added > 0 then redis.call('HINCRBY', RECORD, 'rows:' .. generation, added) end
  if through == '' then redis.call('HSET', RECORD, 'kind:' .. lane, 'pushed') end
end
if through ~= '' then redis.call('HSET', RECORD, 'offset:' .. lane .. source, through, 'kind:' .. lane, 'followed') end
return {'landed', table.concat(verdicts), string.format('%s %.0f', epoch, at)}
