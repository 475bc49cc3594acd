-- Prelude of the verbs that know keys: tasks of one key go in order, as many at a time as the key has slots.
--
-- A task has a slot of its key from the time when it may begin until it ends, also between attempts; the others wait in
-- the key's line. A task goes by its own priority, not by that of the task whose slot it is given.
-- Stands on: paced, turns
local function line_of(key)
  local from, to = '[' .. key .. '\1', '(' .. key .. '\2'
  return from, to
end

local function in_line(key, number, id)
  return key .. '\1' .. number .. '\1' .. id
end

-- Gives the free slots of a key, of which `slots` are in use, to the tasks that have waited longest.
local function fill_slots(key, slots)
  local limit, from, to = slots_of(key), line_of(key)
  local passed -- how many took no slot: then there is room for those after them
  repeat
    local free = math.min(100, limit - slots)
    local next_ones = free > 0 and redis.call('ZRANGEBYLEX', LINES, from, to, 'LIMIT', 0, free) or {}
    passed = #next_ones
    for _, member in ipairs(next_ones) do
      local id = string.match(member, '\1%d+\1(.*)$')
      local record = redis.call('HGET', TASKS, id)
      redis.call('ZREM', LINES, member)
      redis.call('ZREM', JOINED, id)
      -- A task that cannot be read has no key when it ends, so it takes no slot.
      if record and string.match(record, '^%d %d ([^\n]*)\n') == key then slots, passed = slots + 1, passed - 1 end
      if record then push_record(record, id) end
    end
  until passed == 0
  if slots > 0 then redis.call('HSET', SLOTS, key, slots) else redis.call('HDEL', SLOTS, key) end
end

local function enter_line(priority, key, id)
  local slots, limit = tonumber(redis.call('HGET', SLOTS, key) or 0), slots_of(key)
  local from, to = line_of(key)
  if slots < limit and #redis.call('ZRANGEBYLEX', LINES, from, to, 'LIMIT', 0, 1) == 0 then
    redis.call('HSET', SLOTS, key, slots + 1)
    push(priority, id)
    return
  end
  redis.call('ZADD', LINES, 0, in_line(key, join(id), id))
  if slots < limit then fill_slots(key, slots) end
end

-- A task that ends, or leaves its line, gives its slot back. That of a tenant has none.
local function free_slot(key)
  if not is_tenant(key) then fill_slots(key, tonumber(redis.call('HGET', SLOTS, key) or 1) - 1) end
end

-- Lets a task whose record is in TASKS begin: at once, or when its key lets it.
local function release(id)
  local record = redis.call('HGET', TASKS, id)
  if not record then return end
  local priority, holds, key = string.match(record, '^(%d) (%d) ([^\n]*)\n')
  if not key or key == '' or holds == '1' then return push_record(record, id) end
  enter_line(priority, key, id)
end
