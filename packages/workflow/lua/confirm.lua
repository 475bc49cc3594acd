-- confirm: note that replicas know a ceiling.
--
-- ARGV[1] the epoch in which it was written  ARGV[2] the ceiling
--
-- Replies {'confirmed'}, or {'passed'} when there is another epoch by now, or no ceiling
--
-- Stands on: part, redis/epoch
local epoch = epoch_of(meta)
if epoch ~= ARGV[1] or not written then return {'passed'} end
if tonumber(ARGV[2]) > tonumber(confirmed) then
  redis.call('HSET', META, 'ceiling', string.format('%s %s %s', written, ARGV[2], replicas))
end
return {'confirmed'}
