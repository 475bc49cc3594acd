-- prune: forget generations that have ended, of which no partition has anything left: their definitions, and all but the last
-- ones of each view.
--
-- then, for each generation: ARGV "<view>.<generation>"
--
-- Replies {'done', number of the last change}
--
-- Stands on: generations
local LAST = 16
local views = {}
for _, name in ipairs(ARGV) do
  local view, id = string.match(name, '^([^.]+)%.(.+)$')
  if view and state_of(read_generations(view), id) == 'retired' then
    views[view] = true
    redis.call('HDEL', CATALOG, 'definition:' .. name)
  end
end
for view in pairs(views) do
  local all, left, ended = read_generations(view), {}, 0
  for index = #all, 1, -1 do
    local each = all[index]
    if each.state == 'retired' then ended = ended + 1 end
    local is_kept = each.state ~= 'retired' or ended <= LAST
    if is_kept or redis.call('HEXISTS', CATALOG, 'definition:' .. view .. '.' .. each.id) == 1 then table.insert(left, 1, each) end
  end
  if #left < #all then set_states(view, left, {}) end
end
return {'done', n}
