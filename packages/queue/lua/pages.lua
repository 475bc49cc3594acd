-- Prelude of the verb that lists: pages of streams and of sets. Stands on queue.lua.
--
-- ARGV[2] where the last page ended, '' for the first  ARGV[3] how many at most
local from, most = ARGV[2], tonumber(ARGV[3])
local reply = {'listed', ''}
local function add(id, value)
  reply[#reply + 1] = id
  reply[#reply + 1] = value or ''
end

-- Of an entry, as a record is: a plain task has no id but its entry.
local function add_entry(level, entry, fields)
  if fields[1] == 'd' then add(level == 0 and entry or entry .. ':' .. level, fields[2]) end
  if fields[1] == 'i' then add(fields[2], redis.call('HGET', TASKS, fields[2])) end
end

local function list_streams(each)
  local at_level, at = string.match(from, '^(%d) (.*)$')
  for _, level in ipairs(levels_of(redis.call('HGET', META, 'levels'))) do
    if not at_level or level <= tonumber(at_level) then
      local last = each(level, stream_of(level), level == tonumber(at_level or -1) and '(' .. at)
      if last then
        reply[2] = level .. ' ' .. last
        return
      end
    end
  end
end

local function list_set(set, hash)
  local rank = tonumber(from) or 0
  local ids = redis.call('ZRANGE', set, rank, rank + most - 1)
  for _, id in ipairs(ids) do add(id, redis.call('HGET', hash, id)) end
  if #ids == most then reply[2] = tostring(rank + most) end
end
