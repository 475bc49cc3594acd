-- apply: register definitions of views and services, if the catalog is still as the caller saw it. A view that is new gets its
-- first generation, which is live.
--
-- ARGV[1] number of the last change that was seen, 0 for none  ARGV[2] how many partitions there are
-- ARGV[3] the id that the store gets if it has none  ARGV[4] how many views
-- then, for each view: ARGV its name, its definition as JSON
-- then, for each service: ARGV "<name>@<version>", its definition as JSON
--
-- Replies {'done', number of this change}, {'changed', number of the last change}, {'forgot', number of the last change} or
-- {'partitions', how many there are}, if they are not as many as the caller says
--
-- Stands on: catalog
if n > 0 and not is_ours then return {'forgot', n} end
if n ~= tonumber(ARGV[1]) then return {'changed', n} end
if known[4] and known[4] ~= ARGV[2] then return {'partitions', tonumber(known[4])} end
n = after(n)
local entry = {'applied', n}
local fields = {'layout', LAYOUT, 'server', SERVER, 'n', n, 'partitions', ARGV[2]}
local function set(field, value) fields[#fields + 1], fields[#fields + 2] = field, value end
for index = 5, 3 + 2 * ARGV[4], 2 do
  local view, definition = ARGV[index], ARGV[index + 1]
  entry[#entry + 1], entry[#entry + 2] = view, definition
  set('definition:' .. view, definition)
  set('applied:' .. view, n)
  if redis.call('HEXISTS', CATALOG, 'live:' .. view) == 0 then
    set('live:' .. view, '1-0')
    set('last:' .. view, 1)
    set('generations:' .. view, '1-0 live')
  end
end
for index = 5 + 2 * ARGV[4], #ARGV, 2 do
  set('service:' .. ARGV[index], ARGV[index + 1])
end
if #entry > 2 then redis.call('XADD', HISTORY, '*', unpack(entry)) end
redis.call('HSET', CATALOG, unpack(fields))
redis.call('HSETNX', CATALOG, 'id', ARGV[3])
return {'done', n}
