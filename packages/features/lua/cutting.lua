-- Prelude of the verbs that cut: the cut that a view is in.
--
-- Stands on: generations
-- Nothing if the view is not being cut.
local function read_cutting(view)
  local id, at, deadline, state, views = string.match(redis.call('HGET', CATALOG, 'cutting:' .. view) or '', '^(%S+) (%d+) (%d+) (%l+) (%S+)$')
  if not id then return nil end
  local cutting = {id = id, at = at, deadline = tonumber(deadline), state = state, views = views}
  return cutting
end

-- Undoes a cut that has not come to its end: the generations of all its views are again what they were.
local function undo(cutting)
  n = n + 1
  for view in string.gmatch(cutting.views, '[^,]+') do
    local each = read_cutting(view)
    if each and each.at == cutting.at then
      set_states(view, read_generations(view), {[each.id] = each.state})
      redis.call('HDEL', CATALOG, 'cutting:' .. view)
    end
  end
end
