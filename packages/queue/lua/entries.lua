-- Prelude of the verb that delivers tasks: what entries stand for. Stands on lines.lua.
local claims = {}

-- An entry that is void: a turn for which there is no task, or a task that was removed.
local function drop(stream, entry)
  redis.call('XACK', stream, GROUP, entry)
  redis.call('XDEL', stream, entry)
end

-- The task whose turn it is.
local function take_turn(place, key)
  local id = redis.call('HGET', TURNS, place)
  if id then return id end
  redis.call('HINCRBY', META, 'turns', -1)
  id = first_of(key)
  if id then
    redis.call('HSET', TURNS, place, id)
  elseif redis.call('HINCRBY', SLOTS, key, -1) <= 0 then
    redis.call('HDEL', SLOTS, key)
  end
  return id
end

-- Puts into the fields of an entry what it stands for; false if that is nothing.
local function resolve(stream, level, entry, fields)
  local key = fields[1] == 'k' and fields[2]
  local place = place_of(level, entry)
  local id = key and take_turn(place, key) or not key and fields[2]
  local record = id and redis.call('HGET', TASKS, id)
  if not record then
    if key and id then redis.call('HDEL', TURNS, place) free_slot(level, key) end
    drop(stream, entry)
    return false
  end
  redis.call('HSET', TURNS, 'i:' .. id, place)
  fields[1], fields[2], fields[3] = 'i', id, record
  return true
end

local function keep(stream, level, entries)
  local kept = {}
  for _, one in ipairs(entries) do
    if one[2][1] == 'd' or resolve(stream, level, one[1], one[2]) then kept[#kept + 1] = one end
  end
  if #kept > 0 then
    claims[#claims + 1] = level
    claims[#claims + 1] = kept
  end
  return #kept
end
