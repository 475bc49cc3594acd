-- Prelude of the verb that lists: pages of lists that have several parts.
--
-- ARGV[2] where the last page ended, '' for the first  ARGV[3] how many at most
--
-- Stands on: streams, queue
local from, most = ARGV[2], tonumber(ARGV[3])
local reply = {'listed', ''}
local function add(id, value)
  reply[#reply + 1] = id
  reply[#reply + 1] = value or ''
end

-- How many more items the page has room for.
local function left()
  return most - (#reply - 2) / 2
end

-- An entry's task in the form of a record, or its data: a plain task has no id but its entry.
local function add_entry(level, entry, fields)
  local plain = fields[2]
  if fields[4] then plain = level .. ' 0 \n{"d":' .. plain .. ',"o":' .. fields[4] .. '}' end
  if fields[1] == 'd' then add(level == 0 and entry or entry .. ':' .. level, plain) end
  if fields[1] == 'i' then add(fields[2], redis.call('HGET', TASKS, fields[2])) end
end

-- Fills the page from the part in which the last one ended. A part adds its items after a position, '' for all, and
-- returns the position of the last item, or nothing if it has no more.
local function list_parts(parts)
  local first, position = string.match(from, '^(%d+) (.*)$')
  for number = tonumber(first or 1), #parts do
    local last = parts[number](position or '')
    position = nil
    if last then
      reply[2] = number .. ' ' .. last
      return
    end
  end
end

-- Deliveries of one priority that somebody has, or nobody.
local function pending_of(level, is_returned)
  return function(position)
    local stream, room = stream_of(level), left()
    local pending = redis.pcall('XPENDING', stream, GROUP, position == '' and '-' or '(' .. position, '+', room)
    if pending.err then return end
    for _, one in ipairs(pending) do
      local entry = (one[2] == RETURNED) == is_returned and redis.call('XRANGE', stream, one[1], one[1])[1]
      if entry then add_entry(level, one[1], entry[2]) end
    end
    return #pending == room and pending[room][1]
  end
end

local function list_set(set, hash)
  local rank = tonumber(from) or 0
  local ids = redis.call('ZRANGE', set, rank, rank + most - 1)
  for _, id in ipairs(ids) do add(id, redis.call('HGET', hash, id)) end
  if #ids == most then reply[2] = tostring(rank + most) end
end
