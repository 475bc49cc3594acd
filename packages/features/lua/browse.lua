-- browse: read a part of the log, without a right to trim it.
--
-- ARGV[1] the place after which it is wanted  ARGV[2] how many entries are wanted at most
--
-- Replies {'browsed', epoch, place of the log's last entry, '<epoch> <place>' up to which the log was trimmed or '', entries}
--
-- Stands on: record
local through, most = unpack(ARGV)
local first = string.format('(%.0f-%.0f', math.floor(through / 1000), through % 1000)
local trimmed = redis.call('HGET', RECORD, 'trimmed') or ''
return {'browsed', epoch, string.format('%.0f', at), trimmed, redis.call('XRANGE', LOG, first, '+', 'COUNT', most)}
