-- Prelude of the verb that adds to windows: rings of tiles, read and written in parts. Their bytes: see src/window/ring.ts.
--
-- Stands on: latest
local RING_HEAD = 24

-- What `shape`, the first 16 bytes of a ring, says, with how many events each of its lists has.
local function read_shape(shape, most)
  local _, series, registers, tiles, length = struct.unpack('<BBHI4d', shape)
  local size, lengths = 16 + 48 * series + registers, {}
  for number in string.gmatch(most, '%d+') do lengths[#lengths + 1] = tonumber(number) end
  local read = {head = shape, series = series, tiles = tiles, length = length, size = size, tail = RING_HEAD + size * tiles, lengths = lengths}
  return read
end

-- A ring, of which so far nothing was changed. It does not fit if it has another shape.
local function open_ring(key, shape)
  local head = redis.call('GETRANGE', key, 0, RING_HEAD - 1)
  local is_new, events, newest = head == '', '', -1
  local fits = is_new or string.sub(head, 1, 16) == shape.head
  if fits and not is_new then
    newest = struct.unpack('<d', head, 17)
    if #shape.lengths > 0 then events = redis.call('GETRANGE', key, shape.tail, -1) end
  end
  local lists = read_lists(events, 1, #shape.lengths)
  local ring = {key = key, is_new = is_new, fits = fits, newest = newest, slots = {}, events = events, lists = lists}
  return ring
end

-- The tile of a number, nothing if there are no events in it.
local function tile_of(ring, shape, number)
  local slot = number % shape.tiles
  local tile = ring.slots[slot]
  if not tile and not ring.is_new then
    local from = RING_HEAD + shape.size * slot
    tile = redis.call('GETRANGE', ring.key, from, from + shape.size - 1)
  end
  if not tile or struct.unpack('<d', tile) ~= number or struct.unpack('<d', tile, 9) == 0 then return nil end
  return tile
end

local function write_ring(ring, shape)
  local newest, events = struct.pack('<d', ring.newest), write_lists(ring.lists)
  if ring.is_new then redis.call('SET', ring.key, shape.head .. newest .. string.rep('\0', shape.size * shape.tiles) .. events)
  else redis.call('SETRANGE', ring.key, 16, newest) end
  for slot, tile in pairs(ring.slots) do redis.call('SETRANGE', ring.key, RING_HEAD + shape.size * slot, tile) end
  if ring.is_new or events == ring.events then return end
  if #events >= #ring.events then redis.call('SETRANGE', ring.key, shape.tail, events)
  else redis.call('SET', ring.key, redis.call('GETRANGE', ring.key, 0, shape.tail - 1) .. events) end
end
