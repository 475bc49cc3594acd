-- adopt: make the catalog that of this server, if it is still as the caller saw it. Where a partition knows of a later change, all
-- that changes make is taken from there: what is live, filled and registered, who builds, and which cut is under way.
--
-- ARGV[1] number of the last change that was seen, 0 for none  ARGV[2] the highest number that a partition knows
-- ARGV[3] how many partitions there are  ARGV[4] the store's id
-- then, for each field of the catalog as that partition was told: ARGV its name, its value
--
-- Replies {'done', number of this change} or {'changed', number of the last change}
--
-- A cut that was under way is undone: partitions may have forgotten, too, that they take no rows for it.
--
-- Stands on: cutting
local MADE = {definition = true, applied = true, live = true, last = true, generations = true, cutting = true, before = true, builder = true}
if n ~= tonumber(ARGV[1]) or (n > 0 and is_ours) then return {'changed', n} end
local is_behind = tonumber(ARGV[2]) > n
n = after(math.max(n, tonumber(ARGV[2])))
local entry, told = {'adopted', n}, {}
for index = 5, is_behind and #ARGV or 0, 2 do
  local view = string.match(ARGV[index], '^live:(.*)$')
  told[ARGV[index]] = true
  if view then entry[#entry + 1], entry[#entry + 2] = view, ARGV[index + 1] end
end
if #entry > 2 then redis.call('XADD', HISTORY, '*', unpack(entry)) end
local known_fields = is_behind and redis.call('HKEYS', CATALOG) or {}
for _, field in ipairs(known_fields) do
  if MADE[string.match(field, '^(%l+):')] and not told[field] then redis.call('HDEL', CATALOG, field) end
end
for index = 5, is_behind and #ARGV or 0, 2 do
  local is_made = MADE[string.match(ARGV[index], '^(%l+):')]
  if is_made then redis.call('HSET', CATALOG, ARGV[index], ARGV[index + 1])
  -- Ranks, services and pins stay as this catalog knows them: they never change, or are its own.
  else redis.call('HSETNX', CATALOG, ARGV[index], ARGV[index + 1]) end
end
redis.call('HSET', CATALOG, 'layout', LAYOUT, 'server', SERVER, 'n', n)
redis.call('HSETNX', CATALOG, 'partitions', ARGV[3])
redis.call('HSETNX', CATALOG, 'id', ARGV[4])
for _, field in ipairs(redis.call('HKEYS', CATALOG)) do
  local view = string.match(field, '^cutting:(.*)$')
  local cutting = view and read_cutting(view)
  if cutting then undo(cutting) end
end
return {'done', n}
