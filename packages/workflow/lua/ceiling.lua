-- ceiling: raise the ceiling of tokens, so that a WAIT after this call says how many replicas know it, and all that was
-- written before; confirm.lua notes that they do.
--
-- ARGV[1] how many replicas are to know it, or '' for as many as were asked for before
--
-- Replies {'ceiling', the epoch, the ceiling, how many replicas are to know it}, or {'none'} if none are asked for
--
-- Stands on: part, redis/epoch
local LEAD = 5000000 -- microseconds that it is above the time
local epoch, last = epoch_of(meta)
local count = ARGV[1] ~= '' and ARGV[1] or replicas
if not count then return {'none'} end
local ceiling = string.format('%.0f', math.max(micros + LEAD, tonumber(last) + AHEAD, tonumber(written or 0)))
redis.call('HSET', META, 'ceiling', string.format('%s %s %s', ceiling, confirmed or '0', count))
return {'ceiling', epoch, ceiling, count}
