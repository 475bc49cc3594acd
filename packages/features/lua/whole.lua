-- whole: which generation is read, of all views.
--
-- Replies {'whole', number of the last change, "<view> <generation>" of each view with commas between}
--
-- Stands on: catalog
local live, fields = {}, redis.call('HGETALL', CATALOG)
for index = 1, #fields, 2 do
  local view = string.match(fields[index], '^live:(.*)$')
  if view then live[#live + 1] = view .. ' ' .. fields[index + 1] end
end
table.sort(live)
return {'whole', n, table.concat(live, ',')}
