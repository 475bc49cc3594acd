-- drop: delete vectors of a generation that is no more. Nothing writes those any more.
--
-- ARGV[1] the generation  ARGV[2] 1 if none are left after these
-- then KEYS: those of the vectors
--
-- Replies {'dropped', how many there were}, or {'kept'}: the generation is there
--
-- Stands on: meta
local FIRST = 2
if redis.call('HEXISTS', META, 'model:' .. ARGV[1]) == 1 then return {'kept'} end
local dropped = #KEYS < FIRST and 0 or redis.call('UNLINK', unpack(KEYS, FIRST))
if ARGV[2] == '1' then
  local left = {}
  for each in string.gmatch(redis.call('HGET', META, 'dropping') or '', '%d+') do
    if each ~= ARGV[1] then left[#left + 1] = each end
  end
  redis.call('HSET', META, 'dropping', table.concat(left, ' '))
end
return {'dropped', dropped}
