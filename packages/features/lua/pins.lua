-- Prelude of the verbs that end generations: who keeps them. Of CATALOG it keeps
--   pin:<view>.<generation>:<name>  until when the generation is kept, in microseconds
--
-- Stands on: generations

-- Nothing if nobody keeps a generation now, and the reply that says who does otherwise.
local function pinned(view, id)
  local prefix, fields = 'pin:' .. view .. '.' .. id .. ':', redis.call('HGETALL', CATALOG)
  for index = 1, #fields, 2 do
    local is_pin = string.sub(fields[index], 1, #prefix) == prefix
    if is_pin and tonumber(fields[index + 1]) > micros then
      return {'pinned', string.sub(fields[index], #prefix + 1) .. ' ' .. fields[index + 1], view}
    end
  end
end

-- Ends a generation, and forgets who kept it.
local function retire(view, id)
  local prefix, fields = 'pin:' .. view .. '.' .. id .. ':', redis.call('HGETALL', CATALOG)
  n = n + 1
  for index = 1, #fields, 2 do
    if string.sub(fields[index], 1, #prefix) == prefix then redis.call('HDEL', CATALOG, fields[index]) end
  end
  redis.call('HDEL', CATALOG, 'due:' .. view .. '.' .. id)
  set_states(view, read_generations(view), {[id] = 'retired'})
end
