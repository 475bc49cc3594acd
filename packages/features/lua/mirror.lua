-- mirror: tell a partition what the catalog knows and what has ended, so that it is known where the catalog is forgotten.
--
-- ARGV[1] number of the catalog's last change  ARGV[2] what the catalog knows, as JSON
-- ARGV[3] "<view>.<generation>" of each that has ended, with commas between  ARGV[4] the store's id
-- ARGV[5] "<view> <the highest number that a generation has had> <generation> ..." of those that have not, with commas between
--
-- Replies {'mirrored'}, or {'newer', number} if the partition knows of as late a change
--
-- Stands on: record
local has = redis.call('HGET', RECORD, 'n')
if has and tonumber(has) >= tonumber(ARGV[1]) then return {'newer', tonumber(has)} end
redis.call('HSET', RECORD, 'n', ARGV[1], 'catalog', ARGV[2], 'id', ARGV[4])
local ended = {}
for generation in string.gmatch(ARGV[3], '[^,]+') do
  ended['retired:' .. generation] = true
  redis.call('HSETNX', RECORD, 'retired:' .. generation, string.format('%s %.0f', ARGV[1], at))
end
for view, known in string.gmatch(ARGV[5], '([^ ,]+) ([^,]+)') do redis.call('HSET', RECORD, 'alive:' .. view, known) end
-- Those that the catalog has forgotten: no lane of them is here, and `open` knows that they are not alive.
for _, field in ipairs(redis.call('HKEYS', RECORD)) do
  if string.sub(field, 1, 8) == 'retired:' and not ended[field] then redis.call('HDEL', RECORD, field) end
end
return {'mirrored'}
