-- whole: which generation is read, of all views.
--
-- Replies {'whole', number of the last change, "<view> <generation>" of each view with commas between, "<view>.<generation>" of
-- each that has ended with commas between, the store's id}
--
-- Stands on: catalog
local live, ended, fields = {}, {}, redis.call('HGETALL', CATALOG)
for index = 1, #fields, 2 do
  local view = string.match(fields[index], '^live:(.*)$')
  local of = string.match(fields[index], '^generations:(.*)$')
  for id in string.gmatch(of and fields[index + 1] or '', '([^ ,]+) retired') do ended[#ended + 1] = of .. '.' .. id end
  if view then live[#live + 1] = view .. ' ' .. fields[index + 1] end
end
table.sort(live)
return {'whole', n, table.concat(live, ','), table.concat(ended, ','), redis.call('HGET', CATALOG, 'id') or ''}
