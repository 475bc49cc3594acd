-- Prelude of the verb that adds to windows: the shape of the rings of a view, and where their tiles lie.
local RING_HEAD = 24

-- What `shape`, the first 16 bytes of a ring, says, with how many events each of its lists has.
local function read_shape(shape, most)
  local _, series, registers, tiles, length = struct.unpack('<BBHI4d', shape)
  local size, lengths = 16 + 48 * series + registers, {}
  for number in string.gmatch(most, '%d+') do lengths[#lengths + 1] = tonumber(number) end
  local read = {head = shape, series = series, tiles = tiles, length = length, size = size, tail = RING_HEAD + size * tiles, lengths = lengths, places = {}}
  return read
end

-- Where the tile of a slot begins and ends, as texts: commands take numbers in several times the time.
local function place_of(shape, slot)
  local place = shape.places[slot]
  if not place then
    local from = RING_HEAD + shape.size * slot
    place = {string.format('%d', from), string.format('%d', from + shape.size - 1)}
    shape.places[slot] = place
  end
  return place[1], place[2]
end
