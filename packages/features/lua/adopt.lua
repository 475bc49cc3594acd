-- adopt: make the catalog that of this server, with what partitions know to be live, if it is still as the caller saw it.
--
-- ARGV[1] number of the last change that was seen, 0 for none  ARGV[2] the highest number that a partition knows
-- ARGV[3] how many partitions there are  ARGV[4] the store's id
-- then, for each view: ARGV its name, its live generation by the partition with that number
--
-- Replies {'done', number of this change} or {'changed', number of the last change}
--
-- A cut that was under way is undone: partitions may have forgotten, too, that they take no rows for it.
--
-- Stands on: cutting
if n ~= tonumber(ARGV[1]) or (n > 0 and is_ours) then return {'changed', n} end
local is_behind = tonumber(ARGV[2]) > n
n = math.max(n, tonumber(ARGV[2])) + 1
redis.call('XADD', HISTORY, '*', 'adopted', n, unpack(ARGV, 5))
redis.call('HSET', CATALOG, 'layout', LAYOUT, 'server', SERVER, 'n', n)
redis.call('HSETNX', CATALOG, 'partitions', ARGV[3])
redis.call('HSETNX', CATALOG, 'id', ARGV[4])
for index = 5, #ARGV, 2 do
  local view, generation = ARGV[index], ARGV[index + 1]
  local number = tonumber(string.match(generation, '^%d+'))
  if is_behind then
    -- A cut that was under way when this catalog was kept has come to its end, or was undone: nobody may do either again.
    local own = 'definition:' .. view .. '.' .. generation
    local definition = redis.call('HGET', CATALOG, own)
    redis.call('HSET', CATALOG, 'live:' .. view, generation, 'generations:' .. view, generation .. ' live')
    if definition then redis.call('HSET', CATALOG, 'definition:' .. view, definition, 'applied:' .. view, n) end
    redis.call('HDEL', CATALOG, 'cutting:' .. view, own)
  else
    local cutting = read_cutting(view)
    if cutting then undo(cutting) end
  end
  -- No number is given twice, also where the catalog has forgotten that it gave it.
  if number > tonumber(redis.call('HGET', CATALOG, 'last:' .. view) or '0') then
    redis.call('HSET', CATALOG, 'last:' .. view, number)
  end
end
return {'done', n}
