-- claim: read a part of the log for an exporter, which from then on is the one that may trim it.
--
-- ARGV[1] token  ARGV[2] its issuer  ARGV[3] the epoch that the caller has read last, or ''  ARGV[4] the place up to which it has
-- ARGV[5] how many entries are wanted at most  ARGV[6] for how long nothing of the log is dropped by others, in microseconds
--
-- Replies {'claimed', epoch, place of the log's last entry, '<epoch> <place>' up to which the log was trimmed or '', entries}: if
-- ARGV[3] is not the epoch of now, from the first entry on. Or {'foreign', mark} or {'stale', mark}
--
-- Stands on: record
local token, issuer, read, through, most, length = unpack(ARGV)
local found = redis.call('HMGET', RECORD, 'exporter', 'trimmed')
local seen, by = string.match(found[1] or '', '^(%d+) (.*)$')
if seen and by ~= issuer then return {'foreign', found[1]} end
if seen and tonumber(token) < tonumber(seen) then return {'stale', found[1]} end
local first = '-'
if read == epoch then first = string.format('(%.0f-%.0f', math.floor(through / 1000), through % 1000) end
local entries = redis.call('XRANGE', LOG, first, '+', 'COUNT', most)
if #entries > 0 then redis.call('HSET', RECORD, 'claimed', string.format('%.0f', micros + length)) end
if seen ~= token then redis.call('HSET', RECORD, 'exporter', token .. ' ' .. issuer) end
return {'claimed', epoch, string.format('%.0f', at), found[2] or '', entries}
