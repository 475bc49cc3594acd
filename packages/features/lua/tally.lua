-- tally: add events, summed up, to the windows of a lane.
--
-- ARGV[1] to ARGV[10] as `land`  ARGV[11] the first 16 bytes of a ring  ARGV[12] how many events each list of latest ones has,
-- with spaces between  ARGV[13] to ARGV[15] the additions, as the rows of `land`: each a tile, and the latest events
-- then, for each addition: KEYS the ring
--
-- Replies {'landed', a letter an addition, '<epoch> <place in the log>'}: a added, l late, x it is about an erased entity, f it says
-- something that cannot be, such as a time in the future, or the ring has another shape. Or, in this order, the refusals of `land`
--
-- Stands on: owner, rows, ring, tile, erased
local generation, name, mark, source, own, after, through, ahead, history, parts, head, most, count, same, packed = unpack(ARGV, 1, 15)
local lane = generation .. ':' .. name .. ':'
local refusal = refused(generation, lane, mark, source, own) or misplaced(generation, lane, source, after, through)
if refusal then return refusal end

local shape, latest, first = read_shape(head, most), micros + ahead, #KEYS - count
local rings, order, verdicts, entry, entered, refusals, added, newest, from = {}, {}, {}, {}, 0, {}, 0, -1, 1
local erased = find_erased(KEYS, first, generation, parts)

local function add(key, addition)
  local ring = rings[key]
  if not ring then
    ring = open_ring(key, shape)
    rings[key], order[#order + 1] = ring, ring
  end
  local number, events = struct.unpack('<dd', addition)
  if not ring.fits or not is_whole(number) or not (events >= 1) or number * shape.length > latest then return 'f' end
  if number <= ring.newest - shape.tiles then return 'l' end
  local old, tile = tile_of(ring, shape, number), #addition == shape.size and addition or string.sub(addition, 1, shape.size)
  ring.slots[number % shape.tiles] = old and merge_tiles(old, tile, shape.series) or tile
  ring.newest, ring.is_changed = math.max(ring.newest, number), true
  newest = math.max(newest, number * shape.length)
  if ring.lists == NO_LISTS then return 'a' end
  for list, latest_ones in ipairs(read_lists(addition, shape.size + 1, #shape.lengths)) do
    ring.lists[list] = merge_lists(ring.lists[list], latest_ones, shape.lengths[list])
  end
  return 'a'
end
for index = 1, tonumber(count) do
  local key, size = KEYS[first + index], tonumber(same)
  if size == 0 then size, from = struct.unpack('<I4', packed, from) end
  local addition = string.sub(packed, from, from + size - 1)
  local verdict = erased[index] and 'x' or add(key, addition)
  verdicts[index], from = verdict, from + size
  if verdict == 'a' then entry[entered + 1], entry[entered + 2], entered = key, addition, entered + 2
  else refusals[verdict] = (refusals[verdict] or 0) + 1 end
end

if #entry > 0 and history == '1' then log(unpack(entry)) end
for _, ring in ipairs(order) do
  if ring.is_changed then
    write_ring(ring, shape)
    if ring.is_new then added = added + 1 end
  end
end
if newest > tonumber(redis.call('HGET', RECORD, 'newest:' .. generation) or '-1') then redis.call('HSET', RECORD, 'newest:' .. generation, string.format('%.0f', newest)) end
if added > 0 then redis.call('HINCRBY', RECORD, 'rows:' .. generation, added) end
for verdict, number in pairs(refusals) do redis.call('HINCRBY', RECORD, 'refused:' .. generation .. ':' .. verdict, number) end
if through ~= '' then redis.call('HSET', RECORD, 'offset:' .. lane .. source, through, 'kind:' .. lane, 'followed') end
return {'landed', table.concat(verdicts), string.format('%s %.0f', epoch, at)}
