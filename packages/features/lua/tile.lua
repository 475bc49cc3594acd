-- Prelude of the verb that adds to windows: tiles, which are summed up. Their bytes: see src/window/tile.ts.

-- The higher one of each byte.
local function merge_registers(one, other)
  if one == other then return one end
  local merged, others = {string.byte(one, 1, -1)}, {string.byte(other, 1, -1)}
  for index, register in ipairs(others) do
    if register > merged[index] then merged[index] = register end
  end
  return string.char(unpack(merged))
end

-- The events of two tiles of one span.
local function merge_tiles(old, new, series)
  local number, count = struct.unpack('<dd', old)
  local _, more = struct.unpack('<dd', new)
  local merged, at = struct.pack('<dd', number, count + more), 17
  for _ = 1, series do
    local sum, min, max, time, sequence, last = struct.unpack('<dddddd', old, at)
    local added, low, high, when, place, value = struct.unpack('<dddddd', new, at)
    if when > time or (when == time and place >= sequence) then time, sequence, last = when, place, value end
    if low > min then low = min end
    if high < max then high = max end
    merged, at = merged .. struct.pack('<dddddd', sum + added, low, high, time, sequence, last), at + 48
  end
  if at > #old then return merged end
  return merged .. merge_registers(string.sub(old, at), string.sub(new, at))
end
