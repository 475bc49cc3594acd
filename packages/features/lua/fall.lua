-- fall: drop the first entries of the log, which are older than it keeps them, unless somebody is about to export them.
--
-- ARGV[1] for how long entries are kept, in microseconds  ARGV[2] how many are dropped at most, about
--
-- Replies {'fallen', how many}, or {'claimed', until when in microseconds}
--
-- Stands on: record
local found = redis.call('HMGET', RECORD, 'claimed', 'trimmed', 'epochs')
if found[1] and tonumber(found[1]) > micros then return {'claimed', found[1]} end
local through = micros - ARGV[1]
local id = string.format('%.0f-%.0f', math.floor(through / 1000), through % 1000)
local dropped = redis.call('XTRIM', LOG, 'MINID', '~', id, 'LIMIT', ARGV[2])
if dropped == 0 then return {'fallen', 0} end
local first = redis.call('XRANGE', LOG, '-', '+', 'COUNT', 1)[1]
if first then
  local ms, us = string.match(first[1], '^(%d+)-(%d+)$')
  through = ms * 1000 + us - 1
end
-- The epoch of the last one that is gone.
local of = epoch
for name, began in string.gmatch(found[3] or '', '([^ ,]+) (%d+)') do
  if tonumber(began) <= through then of = name end
end
if through > tonumber(string.match(found[2] or '', '%d+$') or '0') then
  redis.call('HSET', RECORD, 'trimmed', string.format('%s %.0f', of, through))
end
return {'fallen', dropped}
