-- mirror: tell a partition what the catalog knows and what has ended, so that it is known where the catalog is forgotten.
--
-- ARGV[1] number of the catalog's last change  ARGV[2] what the catalog knows, as JSON
-- ARGV[3] "<view>.<generation>" of each that has ended, with commas between  ARGV[4] the store's id
--
-- Replies {'mirrored'}, or {'newer', number} if the partition knows of as late a change
--
-- Stands on: record
local has = redis.call('HGET', RECORD, 'n')
if has and tonumber(has) >= tonumber(ARGV[1]) then return {'newer', tonumber(has)} end
redis.call('HSET', RECORD, 'n', ARGV[1], 'catalog', ARGV[2], 'id', ARGV[4])
for generation in string.gmatch(ARGV[3], '[^,]+') do redis.call('HSET', RECORD, 'retired:' .. generation, ARGV[1]) end
return {'mirrored'}
