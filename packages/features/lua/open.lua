-- open: take a lane of a generation, or one of its source partitions; from now on, no earlier holder writes to it here.
--
-- ARGV[1] view and generation  ARGV[2] lane  ARGV[3] source partition or ''  ARGV[4] token  ARGV[5] its issuer
-- ARGV[6] the epoch after which the holder has renewed its right, or ''  ARGV[7] the mark that a holder of another issuer
-- has seen and takes over, or ''
--
-- Replies {'opened', mark, offset}. Or, asked in this order, {'forgot', epoch}: an earlier mark may have been forgotten, so
-- the holder must renew its right; {'retired'}; {'foreign', the mark of another issuer}; {'stale', the mark that is there};
-- {'closed', number of the change}
--
-- Stands on: record
local generation, name, source, token, issuer, renewed, seen = unpack(ARGV)
local lane = generation .. ':' .. name .. ':' .. source
local found = redis.call('HMGET', RECORD, 'mark:' .. lane, 'retired:' .. generation, 'closed:' .. generation, 'offset:' .. lane)
local mark = found[1]
local has, turn, instance, since, by = string.match(mark or '', '^(%d+) (%d+) (%d+) (%S+) (.*)$')
-- In the first epoch there is nothing that can have been forgotten.
local is_known = since == epoch or (not mark and string.find(epoch, '^1%.') ~= nil)
if not is_known and renewed ~= epoch then return {'forgot', epoch} end
if found[2] then return {'retired'} end
if mark and by ~= issuer then
  if seen ~= mark then return {'foreign', mark} end
  turn = turn + 1
elseif mark and tonumber(token) < tonumber(has) then return {'stale', mark} end
if found[3] then return {'closed', found[3]} end
mark = string.format('%s %d %d %s %s', token, turn or 0, (instance or 0) + 1, epoch, issuer)
redis.call('HSET', RECORD, 'mark:' .. lane, mark)
return {'opened', mark, found[4] or '-1 0'}
