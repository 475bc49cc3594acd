-- prune: forget the definitions of generations that have ended, once none of their rows is in a log.
--
-- then, for each generation: ARGV "<view>.<generation>"
--
-- Replies {'done', number of the last change}
--
-- Stands on: generations
for _, name in ipairs(ARGV) do
  local view, id = string.match(name, '^([^.]+)%.(.+)$')
  if view and state_of(read_generations(view), id) == 'retired' then redis.call('HDEL', CATALOG, 'definition:' .. name) end
end
return {'done', n}
