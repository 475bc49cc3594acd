-- Prelude of the verb that adds to windows: lists of the latest events. Their bytes: see src/window/ring.ts.
local EVENT_HEAD = 26

-- Lists of latest events, from `at` on: each event is its bytes, and what orders it.
local function read_lists(text, at, count)
  local lists = {}
  for list = 1, count do
    local events, number = {}, 0
    if at < #text then number, at = struct.unpack('<H', text, at) end
    for index = 1, number do
      local time, sequence, second, place, source, length = struct.unpack('<ddI4HHH', text, at)
      local finish = at + EVENT_HEAD + length
      events[index] = {time, sequence, second, place, source, string.sub(text, at + EVENT_HEAD, finish - 1)}
      at = finish
    end
    lists[list] = events
  end
  return lists
end

local function is_later(one, other)
  for part = 1, 5 do
    if one[part] ~= other[part] then return one[part] > other[part] end
  end
  return false
end

-- The latest events of both, each once.
local function merge_lists(one, other, most)
  local all, merged = {}, {}
  for _, events in ipairs({one, other}) do for _, event in ipairs(events) do all[#all + 1] = event end end
  table.sort(all, is_later)
  for index, event in ipairs(all) do
    if #merged < most and (index == 1 or is_later(all[index - 1], event)) then merged[#merged + 1] = event end
  end
  return merged
end

local function write_lists(lists)
  local parts = {}
  for _, events in ipairs(lists) do
    parts[#parts + 1] = struct.pack('<H', #events)
    for _, event in ipairs(events) do parts[#parts + 1] = struct.pack('<ddI4HHH', event[1], event[2], event[3], event[4], event[5], #event[6]) .. event[6] end
  end
  return table.concat(parts)
end
