-- Prelude of the verb that adds to windows: rings of tiles, read and written in parts. Their bytes: see src/window/ring.ts.
--
-- Stands on: latest, shape
local NO_LISTS = {}

-- A ring, of which so far nothing was changed. It does not fit if it has another shape. Only parts of it are read: a server takes
-- a time for each byte of a text that a script is given.
local function open_ring(key, shape)
  local head = redis.call('GETRANGE', key, '0', '23')
  local is_new, events, newest, lists = head == '', '', -1, NO_LISTS
  local fits = is_new or string.sub(head, 1, 16) == shape.head
  if fits and not is_new then
    newest = struct.unpack('<d', head, 17)
    if #shape.lengths > 0 then events = redis.call('GETRANGE', key, shape.tail, -1) end
  end
  if #shape.lengths > 0 then lists = read_lists(events, 1, #shape.lengths) end
  local ring = {key = key, is_new = is_new, fits = fits, newest = newest, written = newest, slots = {}, events = events, lists = lists}
  return ring
end

-- The tile of a number, nothing if there are no events in it.
local function tile_of(ring, shape, number)
  local slot = number % shape.tiles
  local tile = ring.slots[slot]
  if not tile and not ring.is_new then
    tile = redis.call('GETRANGE', ring.key, place_of(shape, slot))
  end
  if not tile then return nil end
  local found, count = struct.unpack('<dd', tile)
  return found == number and count > 0 and tile or nil
end

local function write_ring(ring, shape)
  local events = ring.lists == NO_LISTS and '' or write_lists(ring.lists)
  -- What is written behind the end of a string fills what lies before with zeros.
  if ring.is_new and events == '' then redis.call('SETRANGE', ring.key, shape.tail - 1, '\0')
  elseif #events >= #ring.events and events ~= ring.events then redis.call('SETRANGE', ring.key, shape.tail, events)
  elseif #events < #ring.events then redis.call('SET', ring.key, redis.call('GETRANGE', ring.key, 0, shape.tail - 1) .. events) end
  if ring.is_new then redis.call('SETRANGE', ring.key, '0', shape.head .. struct.pack('<d', ring.newest))
  elseif ring.newest ~= ring.written then redis.call('SETRANGE', ring.key, '16', struct.pack('<d', ring.newest)) end
  for slot, tile in pairs(ring.slots) do redis.call('SETRANGE', ring.key, (place_of(shape, slot)), tile) end
end
