-- Prelude of the verb that delivers tasks: the tasks that entries stand for.
--
-- Stands on: window, paced, windows, served
local claims, void = {}, 0
local key_rate, key_per = unpack(redis.call('HMGET', META, 'key_rate', 'key_per'))

-- Puts the task of an entry into its fields. False if there is none: somebody has deleted the record by hand.
local function resolve(stream, entry, fields)
  fields[3] = redis.call('HGET', TASKS, fields[2])
  if fields[3] then return true end
  void = void + 1
  redis.call('XACK', stream, GROUP, entry)
  redis.call('XDEL', stream, entry)
  return false
end

local held_back = 0
-- Whether the rate of its key lets a task begin now. If not, the task leaves its stream until it does.
local function may_begin(stream, entry, id, record)
  local key = key_rate and string.match(record, '^%d %d ([^\n]*)\n') or ''
  if key == '' or is_tenant(key) then return true end
  local allowed, at = allowance(key, tonumber(key_rate), tonumber(key_per))
  if allowed > 0 then
    begin(key, tonumber(key_per), 1)
    return true
  end
  redis.call('XACK', stream, GROUP, entry)
  redis.call('XDEL', stream, entry)
  held_back, void = held_back + 1, void + 1
  hold_back(id, at + held_back / 1000)
  return false
end

local function keep(stream, level, entries)
  local kept = {}
  for _, one in ipairs(entries) do
    local entry, fields = one[1], one[2]
    -- A plain task, or no task at all: the worker reports what is wrong with it.
    if fields[1] ~= 'i' then
      kept[#kept + 1] = one
    elseif resolve(stream, entry, fields) and may_begin(stream, entry, fields[2], fields[3]) then
      end_unique(fields[2], 'begun')
      pass_turn(string.match(fields[3], '^%d %d ([^\n]*)\n') or '')
      kept[#kept + 1] = one
    end
  end
  if #kept > 0 then
    claims[#claims + 1] = level
    claims[#claims + 1] = kept
  end
  return #kept
end
