-- whole: all that the catalog knows, for partitions to keep.
--
-- Replies {'whole', number of the last change, "<view>.<generation>" of each that has ended with commas between, the store's
-- id, then each field of CATALOG and its value, but for those that say whose it is}
--
-- Stands on: catalog
local ended, fields = {}, redis.call('HGETALL', CATALOG)
local reply = {'whole', n, '', redis.call('HGET', CATALOG, 'id') or ''}
for index = 1, #fields, 2 do
  local what, view = string.match(fields[index], '^(%l+):(.*)$')
  if what then reply[#reply + 1], reply[#reply + 2] = fields[index], fields[index + 1] end
  if what == 'generations' then
    for id in string.gmatch(fields[index + 1], '([^ ,]+) retired') do ended[#ended + 1] = view .. '.' .. id end
  end
end
reply[3] = table.concat(ended, ',')
return reply
