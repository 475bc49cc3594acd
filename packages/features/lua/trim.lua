-- trim: drop the first entries of the log, which an exporter has in its files.
--
-- ARGV[1] token  ARGV[2] its issuer  ARGV[3] the epoch in which the caller read the log  ARGV[4] place of the last entry that is
-- dropped  ARGV[5] the epoch of that entry
--
-- Replies {'trimmed', how many}, {'stale', mark} if another exporter has claimed the log, or {'forgot', epoch}: places of another
-- epoch may be those of other entries
--
-- Stands on: record
local token, issuer, read, through, of = unpack(ARGV)
local found = redis.call('HMGET', RECORD, 'exporter', 'trimmed')
if read ~= epoch then return {'forgot', epoch} end
if found[1] ~= token .. ' ' .. issuer then return {'stale', found[1] or ''} end
redis.call('HDEL', RECORD, 'claimed')
if tonumber(string.match(found[2] or '', '%d+$') or '0') >= tonumber(through) then return {'trimmed', 0} end
local dropped = redis.call('XTRIM', LOG, 'MINID', string.format('%.0f-%.0f', math.floor(through / 1000), through % 1000 + 1))
redis.call('HSET', RECORD, 'trimmed', of .. ' ' .. through)
return {'trimmed', dropped}
