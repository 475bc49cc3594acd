-- pointers: which generation of each view is read, and when its definition was applied.
--
-- then, for each view: ARGV its name
--
-- Replies {'pointers', number of the last change, time in microseconds, how many partitions there are, for each view its live
-- generation and the number of the change that applied its definition, '' for a view that is not there}. Or {'forgot', number of the last change}: the server is
-- another one, so the partitions must be asked first; {'unknown'} if nothing was ever applied here
--
-- Stands on: catalog
if n == 0 then return {'unknown'} end
if not is_ours then return {'forgot', n} end
local reply = {'pointers', n, string.format('%.0f', micros), tonumber(known[4])}
for index, view in ipairs(ARGV) do
  local found = redis.call('HMGET', CATALOG, 'live:' .. view, 'applied:' .. view)
  reply[#reply + 1] = found[1] or ''
  reply[#reply + 1] = found[2] or ''
end
return reply
