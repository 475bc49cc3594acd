-- Prelude of the verb that delivers tasks: what entries stand for. Stands on queue.lua.
local claims, void = {}, 0

-- Puts into the fields of an entry what it stands for. False if that is nothing: somebody has deleted the record by hand.
local function resolve(stream, entry, fields)
  fields[3] = redis.call('HGET', TASKS, fields[2])
  if fields[3] then return true end
  void = void + 1
  redis.call('XACK', stream, GROUP, entry)
  redis.call('XDEL', stream, entry)
  return false
end

local function keep(stream, level, entries)
  local kept = {}
  for _, one in ipairs(entries) do
    if one[2][1] == 'd' or resolve(stream, one[1], one[2]) then kept[#kept + 1] = one end
  end
  if #kept > 0 then
    claims[#claims + 1] = level
    claims[#claims + 1] = kept
  end
  return #kept
end
