-- Prelude of the verbs that know keys: tasks of one key go in order, as many at a time as the key has slots. Stands on
-- paced.lua. A turn that finds no task is void, so it does no harm to give one too many.
local function line_of(key)
  local from, to = '[' .. key .. '\1', '(' .. key .. '\2'
  return from, to
end

local function enter_line(priority, key, id)
  local number = redis.call('HINCRBY', META, 'seq', 1)
  redis.call('ZADD', LINES, 0, string.format('%s\1%016d\1%s', key, number, id))
  local slots = tonumber(redis.call('HGET', SLOTS, key) or 0)
  if slots < tonumber(redis.call('HGET', META, 'key_limit') or 1) then
    redis.call('HINCRBY', SLOTS, key, 1)
    give_turn(priority, key)
  end
end

-- The task that has waited longest, which leaves the line; nothing if nobody waits.
local function first_of(key)
  local from, to = line_of(key)
  local first = redis.call('ZRANGEBYLEX', LINES, from, to, 'LIMIT', 0, 1)[1]
  if not first then return end
  redis.call('ZREM', LINES, first)
  return string.match(first, '\1%d+\1(.*)$')
end

-- A task gives its slot back: to the next in line, if there is one, and to another if the key may have more slots now.
local function free_slot(priority, key)
  local from, to = line_of(key)
  local waiting = #redis.call('ZRANGEBYLEX', LINES, from, to, 'LIMIT', 0, 2)
  local slots = redis.call('HINCRBY', SLOTS, key, -1)
  local limit = tonumber(redis.call('HGET', META, 'key_limit') or 1)
  for _ = 1, math.min(waiting, limit - slots) do
    slots = redis.call('HINCRBY', SLOTS, key, 1)
    give_turn(priority, key)
  end
  if slots <= 0 then redis.call('HDEL', SLOTS, key) end
end

-- A task whose record is in TASKS may go: at once, or when its key lets it.
local function release(id)
  local record = redis.call('HGET', TASKS, id)
  if not record then return end
  local priority, holds, key = string.match(record, '^(%d) (%d) ([^\n]*)\n')
  if key == '' then
    push(priority, 'i', id)
  elseif holds == '1' then
    push_paced(priority, 'i', id, key)
  else
    enter_line(priority, key, id)
  end
end
