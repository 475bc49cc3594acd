-- tally: add events, summed up, to the windows of a lane.
--
-- ARGV[1] to ARGV[10] as `land`  ARGV[11] the first 16 bytes of a ring  ARGV[12] how many events each list of latest ones has,
-- with spaces between
-- then, for each addition: KEYS the ring; ARGV a tile, and the latest events
--
-- Replies {'landed', a letter an addition, '<epoch> <place in the log>'}: a added, l late, x it is about an erased entity, f it says
-- something that cannot be, such as a time in the future, or the ring has another shape. Or, in this order, the refusals of `land`
--
-- Stands on: owner, rows, ring, tile, erased
local generation, name, mark, source, own, after, through, ahead, history, parts, head, most = unpack(ARGV, 1, 12)
local lane = generation .. ':' .. name .. ':'
local refusal = refused(generation, lane, mark, source, own) or misplaced(generation, lane, source, after, through)
if refusal then return refusal end

local FIRST, shape, latest = 12, read_shape(head, most), micros + ahead
local first, rings, order, verdicts, entry, refusals, added, newest = #KEYS - (#ARGV - FIRST), {}, {}, {}, {}, {}, 0, -1
local erased = find_erased(KEYS, first, generation, parts)

local function add(key, addition)
  local ring = rings[key]
  if not ring then
    ring = open_ring(key, shape)
    rings[key], order[#order + 1] = ring, ring
  end
  local number, count = struct.unpack('<dd', addition)
  if not ring.fits or not is_whole(number) or not (count >= 1) or number * shape.length > latest then return 'f' end
  if number <= ring.newest - shape.tiles then return 'l' end
  local old, tile = tile_of(ring, shape, number), string.sub(addition, 1, shape.size)
  ring.slots[number % shape.tiles] = old and merge_tiles(old, tile, shape.series) or tile
  ring.newest, ring.is_changed = math.max(ring.newest, number), true
  newest = math.max(newest, number * shape.length)
  for list, events in ipairs(read_lists(addition, shape.size + 1, #shape.lengths)) do
    ring.lists[list] = merge_lists(ring.lists[list], events, shape.lengths[list])
  end
  return 'a'
end
for index = 1, #ARGV - FIRST do
  local key, addition = KEYS[first + index], ARGV[FIRST + index]
  local verdict = erased[index] and 'x' or add(key, addition)
  verdicts[index] = verdict
  if verdict == 'a' then entry[#entry + 1], entry[#entry + 2] = key, addition
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
