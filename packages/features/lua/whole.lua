-- whole: all that the catalog knows, for partitions to keep.
--
-- Replies {'whole', number of the last change, "<view>.<generation>" of each that has ended with commas between, the store's
-- id, "<view> <the highest number that a generation has had> <generation> ..." of those that have not with commas between, then
-- each field of CATALOG and its value, but for those that say whose it is}
--
-- Stands on: catalog
local ended, alive, fields = {}, {}, redis.call('HGETALL', CATALOG)
local reply = {'whole', n, '', redis.call('HGET', CATALOG, 'id') or '', ''}
for index = 1, #fields, 2 do
  local what, view = string.match(fields[index], '^(%l+):(.*)$')
  if what then reply[#reply + 1], reply[#reply + 2] = fields[index], fields[index + 1] end
  if what == 'generations' then
    local known = {view, redis.call('HGET', CATALOG, 'last:' .. view)}
    for id, state in string.gmatch(fields[index + 1], '([^ ,]+) (%l+)') do
      if state == 'retired' then ended[#ended + 1] = view .. '.' .. id else known[#known + 1] = id end
    end
    alive[#alive + 1] = table.concat(known, ' ')
  end
end
reply[3], reply[5] = table.concat(ended, ','), table.concat(alive, ',')
return reply
